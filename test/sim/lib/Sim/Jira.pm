package Sim::Jira;

# Jira Cloud's REST API v3 for issues, as far as an integration meets it:
# edits answer 204 without a body, status moves by transitions only, rich text
# is ADF, the search index lags, issue properties, comments, webhooks with a
# changelog.  What cannot be set is refused by name, and then nothing is set.

use Mojo::Base 'Sim::Base', -signatures;
use Digest::SHA qw(hmac_sha256_hex);
use Encode qw(encode_utf8);
use Mojo::JSON qw(decode_json encode_json true false);
use Time::HiRes ();

use Sim::Jira::Fields;
use Sim::Jira::Search;
use Sim::Jira::Show;

has product => 'jira';
has last_id => 10_000;
has last_comment => 20_000;
has last_change => 30_000;
has last_key => 0;
has hooks => sub { [] };           # registered by the API
has project => sub { { id => '10000', key => 'OPS', name => 'Operations' } };
has issue_types => sub { { 10001 => 'Task', 10002 => 'Story', 10004 => 'Bug' } };
has priorities => sub { { 1 => 'Highest', 2 => 'High', 3 => 'Medium', 4 => 'Low', 5 => 'Lowest' } };
has statuses => sub {
	{
		'To Do' => { id => '10000', category => 'new' },
		'In Progress' => { id => '3', category => 'indeterminate' },
		'In Review' => { id => '10001', category => 'indeterminate' },
		'Done' => { id => '10002', category => 'done' },
	};
};

# Transitions: id => [name, to, from…]; no from = from everywhere else, as Jira's simplified workflow has it.
has workflow => sub {
	{
		11 => ['To Do', 'To Do'],
		21 => ['In Progress', 'In Progress'],
		31 => ['In Review', 'In Review'],
		41 => ['Done', 'Done'],
	};
};

my $ISSUE = qr{^/rest/api/3/issue/([A-Z]+-\d+|\d+)};

sub routes ($self)
{
	return [
		[GET => qr{^/rest/api/3/myself$}, 'myself'],
		[GET => qr{^/rest/api/3/serverInfo$}, 'server_info'],
		[GET => qr{^/rest/api/3/mypermissions$}, 'permissions'],
		[GET => qr{^/rest/api/3/priority$}, 'list_priorities'],
		[GET => qr{^/rest/api/3/status$}, 'list_statuses'],
		[GET => qr{^/rest/api/3/field$}, 'list_fields'],
		[GET => qr{^/rest/api/3/project/(\w+)$}, 'get_project'],
		[GET => qr{^/rest/api/3/user/search$}, 'search_users'],
		[GET => qr{^/rest/api/3/search/jql$}, 'search_issues'],
		[POST => qr{^/rest/api/3/search/jql$}, 'search_issues'],
		[POST => qr{^/rest/api/3/issue$}, 'create_issue'],
		[GET => qr{$ISSUE$}, 'get_issue'],
		[PUT => qr{$ISSUE$}, 'edit_issue'],
		[DELETE => qr{$ISSUE$}, 'delete_issue'],
		[GET => qr{$ISSUE/transitions$}, 'list_transitions'],
		[POST => qr{$ISSUE/transitions$}, 'do_transition'],
		[GET => qr{$ISSUE/changelog$}, 'list_changes'],
		[GET => qr{$ISSUE/comment$}, 'list_comments'],
		[POST => qr{$ISSUE/comment$}, 'create_comment'],
		[GET => qr{$ISSUE/comment/(\d+)$}, 'get_comment'],
		[PUT => qr{$ISSUE/comment/(\d+)$}, 'edit_comment'],
		[DELETE => qr{$ISSUE/comment/(\d+)$}, 'delete_comment'],
		[GET => qr{$ISSUE/properties/([\w.-]+)$}, 'get_property'],
		[PUT => qr{$ISSUE/properties/([\w.-]+)$}, 'put_property'],
		[GET => qr{^/rest/webhooks/1\.0/webhook$}, 'list_hooks'],
		[POST => qr{^/rest/webhooks/1\.0/webhook$}, 'register_hook'],
	];
}

# {login (an e-mail), password (an API token), kind, name, account}
sub add_user ($self, %user)
{
	$user{account} //= $self->new_hex(24);
	$self->users->{ $user{login} } = \%user;
	return $user{account};
}

sub user_of ($self, $who)
{
	return (grep { $_->{account} eq $who || $_->{login} eq $who || ($_->{name} // '') eq $who } values %{ $self->users })[0];
}

# The kind is asked by account.
sub user_kind ($self, $who)
{
	my $user = $self->user_of($who);
	return $user ? $user->{kind} // 'human' : 'human';
}

sub refuse ($self, $req, $status, @text)
{
	my %fields = ref $text[-1] eq 'HASH' ? %{ pop @text } : ();
	@text = ('Client must be authenticated to access this resource.') if $status == 401;
	@text = ('Rate limit exceeded.') if $status == 429;
	return ($status, { errorMessages => [@text], errors => \%fields, status => $status },
		$status == 401 ? { 'WWW-Authenticate' => 'OAuth realm="sim"' } : {});
}

sub check_request ($self, $req)
{
	$req->{account} = $self->users->{ $req->{user} }{account};
	return $self->refuse($req, 406, 'Not acceptable') if ($req->{headers}{accept} // '*/*') !~ m{application/json|application/\*|\*/\*};
	if ($req->{method} =~ /^(?:POST|PUT)$/)
	{
		return $self->refuse($req, 415, 'Unsupported Media Type') if ($req->{headers}{'content-type'} // '') !~ m{^application/json\b};
	}
	return;
}

#--- issues

sub issue_or_404 ($self, $req, $id)
{
	return $self->find_record($id)
		// $self->stop($req, 404, 'Issue does not exist or you do not have permission to see it.');
}

sub object_body ($self, $req, @known)
{
	my $json = $self->json_body($req);
	$self->stop($req, 400, 'Invalid request payload. Refer to the REST API documentation and try again.') if ref $json ne 'HASH';
	my %known = map { $_ => 1 } @known;
	my ($unknown) = grep { !$known{$_} } sort keys %$json;
	$self->stop($req, 400, "Unrecognized field \"$unknown\"") if defined $unknown;
	return $json;
}

sub create_issue ($self, $req)
{
	my $in = $self->object_body($req, qw(fields update properties transition historyMetadata));
	my $fields = Sim::Jira::Fields::check_create($self, $req, $in->{fields} // {});
	my $properties = $self->read_properties($req, $in->{properties});
	my $id = $self->create_record($req->{account}, $fields, $properties);
	$req->{entry}{effect} = 'create';
	my $issue = $self->records->{$id};
	return (201, { id => $id, key => $issue->{key}, self => $self->base_url . "/rest/api/3/issue/$id" });
}

sub get_issue ($self, $req, $id)
{
	my $issue = $self->issue_or_404($req, $id);
	return (200, Sim::Jira::Show::issue($self, $issue, $req->{query}));
}

sub edit_issue ($self, $req, $id)
{
	my $issue = $self->issue_or_404($req, $id);
	my $in = $self->object_body($req, qw(fields update properties historyMetadata));
	my $fields = Sim::Jira::Fields::check_edit($self, $req, $issue, $in->{fields} // {}, $in->{update} // {});
	my $properties = $self->read_properties($req, $in->{properties});
	$req->{entry}{effect} = 'update' if $self->change($req->{account}, $issue, $fields, $properties);
	return (204);
}

sub delete_issue ($self, $req, $id)
{
	my $issue = $self->issue_or_404($req, $id);
	$self->remove_record($req->{account}, $issue->{id});
	$req->{entry}{effect} = 'delete';
	return (204);
}

#--- transitions

# Ids of what the workflow offers from the issue's status.
sub offered ($self, $issue)
{
	my $flow = $self->settings->{workflow} // $self->workflow;
	return [sort { $a <=> $b } grep {
			my (undef, $to, @from) = @{ $flow->{$_} };
			@from ? (grep { $_ eq $issue->{fields}{status} } @from) : $to ne $issue->{fields}{status}
		} keys %$flow];
}

sub list_transitions ($self, $req, $id)
{
	my $issue = $self->issue_or_404($req, $id);
	my $flow = $self->settings->{workflow} // $self->workflow;
	return (200, { expand => 'transitions', transitions => [map {
				my ($name, $to) = @{ $flow->{$_} };
				+{ id => "$_", name => $name, to => Sim::Jira::Show::status($self, $to), hasScreen => ($to eq 'Done' ? true : false),
					isGlobal => true, isInitial => false, isAvailable => true, isConditional => false, isLooped => false };
			} @{ $self->offered($issue) }] });
}

sub do_transition ($self, $req, $id)
{
	my $issue = $self->issue_or_404($req, $id);
	my $in = $self->object_body($req, qw(transition fields update historyMetadata properties));
	my $wanted = ref $in->{transition} eq 'HASH' ? $in->{transition}{id} // '' : '';
	$self->stop($req, 400, 'Missing \'transition\' identifier') if $wanted eq '';
	my ($found) = grep { $_ eq $wanted } @{ $self->offered($issue) };
	$self->stop($req, 400, 'It seems that you have tried to perform a workflow operation (' . $wanted
		. ') that is not valid for the current state of this issue (' . $issue->{key} . ').') if !defined $found;
	my ($name, $to) = @{ ($self->settings->{workflow} // $self->workflow)->{$found} };
	my $fields = Sim::Jira::Fields::check_screen($self, $req, $to, $in->{fields} // {});
	$self->change($req->{account}, $issue, { %$fields, status => $to }, {});
	if (my $comment = $in->{update}{comment}[0]{add})
	{
		Sim::Jira::Fields::check_adf($self, $req, 'comment', $comment->{body});
		$self->put_comment($req->{account}, $issue, $comment->{body}, undef);
	}
	$req->{entry}{effect} = 'update';
	return (204);
}

#--- comments

sub list_comments ($self, $req, $id)
{
	my $issue = $self->issue_or_404($req, $id);
	my ($from, $max) = ($req->{query}{startAt} // 0, $req->{query}{maxResults} // 50);
	my @all = @{ $issue->{comments} };
	@all = reverse @all if ($req->{query}{orderBy} // '') eq '-created';
	my @page = grep { defined } @all[$from .. ($from + $max - 1 < $#all ? $from + $max - 1 : $#all)];
	return (200, { startAt => $from + 0, maxResults => $max + 0, total => scalar @all,
		comments => [map { Sim::Jira::Show::comment($self, $issue, $_) } @page] });
}

sub comment_or_404 ($self, $req, $issue, $id)
{
	return (grep { $_->{id} eq $id } @{ $issue->{comments} })[0]
		// $self->stop($req, 404, "Can not find a comment for the id: $id.");
}

sub get_comment ($self, $req, $issue_id, $id)
{
	my $issue = $self->issue_or_404($req, $issue_id);
	return (200, Sim::Jira::Show::comment($self, $issue, $self->comment_or_404($req, $issue, $id)));
}

sub create_comment ($self, $req, $id)
{
	my $issue = $self->issue_or_404($req, $id);
	my $in = $self->object_body($req, qw(body visibility properties));
	Sim::Jira::Fields::check_adf($self, $req, 'comment', $in->{body});
	my $comment = $self->put_comment($req->{account}, $issue, $in->{body}, $in->{visibility}, $in->{properties});
	$req->{entry}{effect} = 'comment';
	return (201, Sim::Jira::Show::comment($self, $issue, $comment));
}

sub edit_comment ($self, $req, $issue_id, $id)
{
	my $issue = $self->issue_or_404($req, $issue_id);
	my $comment = $self->comment_or_404($req, $issue, $id);
	my $in = $self->object_body($req, qw(body visibility properties));
	Sim::Jira::Fields::check_adf($self, $req, 'comment', $in->{body});
	$comment->{visibility} = $in->{visibility} if exists $in->{visibility};
	$self->change_comment($req->{account}, $issue, $comment, $in->{body});
	$req->{entry}{effect} = 'comment';
	return (200, Sim::Jira::Show::comment($self, $issue, $comment));
}

sub delete_comment ($self, $req, $issue_id, $id)
{
	my $issue = $self->issue_or_404($req, $issue_id);
	my $comment = $self->comment_or_404($req, $issue, $id);
	$self->drop_comment($req->{account}, $issue, $comment);
	$req->{entry}{effect} = 'comment';
	return (204);
}

sub change_comment ($self, $who, $issue, $comment, $body)
{
	@$comment{qw(body updated update_author)} = ($body, $self->tick, $who);
	$self->notify_comment('comment_updated', $who, $issue, $comment);
	return;
}

sub drop_comment ($self, $who, $issue, $comment)
{
	@{ $issue->{comments} } = grep { $_ != $comment } @{ $issue->{comments} };
	$self->notify_comment('comment_deleted', $who, $issue, $comment);
	return;
}

sub put_comment ($self, $who, $issue, $body, $visibility, $properties = undef)
{
	$self->last_comment($self->last_comment + 1);
	my $now = $self->tick;
	my $comment = { id => $self->last_comment . '', author => $who, update_author => $who, body => $body, created => $now,
		updated => $now, visibility => $visibility, properties => $properties };
	push @{ $issue->{comments} }, $comment;
	$issue->{fields}{updated} = $now;
	$self->remember($issue->{id}, $issue);
	$self->notify_comment('comment_created', $who, $issue, $comment);
	return $comment;
}

#--- properties

sub read_properties ($self, $req, $list)
{
	return {} if !defined $list;
	$self->stop($req, 400, 'properties: a list is expected') if ref $list ne 'ARRAY';
	my %properties;
	for my $property (@$list)
	{
		$self->stop($req, 400, 'properties: key and value are expected')
			if ref $property ne 'HASH' || !length($property->{key} // '') || !exists $property->{value};
		$self->check_property($req, $property->{value});
		$properties{ $property->{key} } = $property->{value};
	}
	return \%properties;
}

sub check_property ($self, $req, $value)
{
	$self->stop($req, 400, 'The property value must be valid, non-empty JSON of at most 32768 characters')
		if !defined $value || length encode_json($value) > 32_768;
	return;
}

sub get_property ($self, $req, $id, $key)
{
	my $issue = $self->issue_or_404($req, $id);
	$self->stop($req, 404, "The property $key does not exist.") if !exists $issue->{properties}{$key};
	return (200, { key => $key, value => $issue->{properties}{$key} });
}

sub put_property ($self, $req, $id, $key)
{
	my $issue = $self->issue_or_404($req, $id);
	my $value = $self->json_body($req);
	$self->check_property($req, $value);
	my $was = exists $issue->{properties}{$key};
	$issue->{properties}{$key} = $value if !$self->settings->{strip_markers};
	$self->remember($issue->{id}, $issue);
	$req->{entry}{effect} = 'property';
	return ($was ? 200 : 201);
}

#--- what else a client asks

sub myself ($self, $req)
{
	return (200, Sim::Jira::Show::user($self, $req->{account}, 1));
}

sub server_info ($self, $req)
{
	return (200, { baseUrl => $self->base_url, version => '1001.0.0-SNAPSHOT', deploymentType => 'Cloud',
		serverTime => Sim::Jira::Show::timestamp($self->now), serverTitle => 'Jira' });
}

sub permissions ($self, $req)
{
	my @asked = split /,/, $req->{query}{permissions} // '';
	$self->stop($req, 400, 'The permissions parameter is required') if !@asked;
	my %denied = map { $_ => 1 } @{ $self->settings->{denied_permissions} // [] };
	return (200, { permissions => { map { $_ => { id => '1', key => $_, name => $_, havePermission => $denied{$_} ? false : true } } @asked } });
}

sub list_priorities ($self, $req)
{
	return (200, [map { { id => "$_", name => $self->priorities->{$_} } } sort keys %{ $self->priorities }]);
}

sub list_statuses ($self, $req)
{
	return (200, [map { Sim::Jira::Show::status($self, $_) } sort keys %{ $self->statuses }]);
}

sub list_fields ($self, $req)
{
	return (200, [map { { id => $_, key => $_, name => $_, custom => /^customfield_/ ? true : false } } Sim::Jira::Fields::names()]);
}

sub get_project ($self, $req, $id)
{
	my $project = $self->project;
	$self->stop($req, 404, "No project could be found with key '$id'.") if $id ne $project->{id} && $id ne $project->{key};
	return (200, { %$project, issueTypes => [map { { id => "$_", name => $self->issue_types->{$_}, subtask => false } }
				sort keys %{ $self->issue_types }] });
}

sub search_users ($self, $req)
{
	my $text = lc($req->{query}{query} // '');
	return (200, [map { Sim::Jira::Show::user($self, $_->{account}, 1) }
			grep { index(lc "$_->{login} " . ($_->{name} // ''), $text) >= 0 } sort { $a->{login} cmp $b->{login} } values %{ $self->users }]);
}

sub list_changes ($self, $req, $id)
{
	my $issue = $self->issue_or_404($req, $id);
	my @all = @{ $issue->{changelog} };
	return (200, { startAt => 0, maxResults => 100, total => scalar @all, isLast => true,
		values => [map { Sim::Jira::Show::change($self, $_) } @all] });
}

sub search_issues ($self, $req)
{
	return (200, Sim::Jira::Search::answer($self, $req));
}

#--- webhook registration

sub list_hooks ($self, $req) { return (200, $self->hooks) }

sub register_hook ($self, $req)
{
	my $in = $self->object_body($req, qw(name url events filters excludeBody secret enabled description));
	my @missing = grep { !defined $in->{$_} } qw(name url events);
	$self->stop($req, 400, "webhook: $missing[0] is required") if @missing;
	my ($unknown) = grep { !/^(?:jira:issue_(?:created|updated|deleted)|comment_(?:created|updated|deleted)|issue_property_(?:set|deleted))$/ }
		@{ $in->{events} };
	$self->stop($req, 400, "webhook: unknown event $unknown") if defined $unknown;
	my %hook = (%$in, self => $self->base_url . '/rest/webhooks/1.0/webhook/' . (1 + @{ $self->hooks }), enabled => true);
	delete $hook{secret};
	push @{ $self->hooks }, \%hook;
	%{ $self->webhook->plan } = (%{ $self->webhook->plan }, url => $in->{url}, defined $in->{secret} ? (secret => $in->{secret}) : ());
	return (201, \%hook);
}

#--- what an issue does; used by the API and by people at a screen alike

sub find_record ($self, $id)
{
	return $self->records->{$id} // (grep { $_->{key} eq $id } values %{ $self->records })[0];
}

sub dump_record ($self, $id)
{
	my $issue = $self->find_record($id) or die { refused => [404, { error => "no record $id" }] };
	return decode_json(encode_json({ %$issue, description_text => Sim::Jira::Fields::adf_text($issue->{fields}{description}),
		comments => [map { { %$_, text => Sim::Jira::Fields::adf_text($_->{body}) } } @{ $issue->{comments} }] }));
}

# Milliseconds never stand still between two changes of one site.
sub tick ($self)
{
	my $now = int($self->now * 1000) / 1000;
	return $now if defined $self->settings->{clock};
	$now = $self->{last_tick} + 0.001 if defined $self->{last_tick} && $now <= $self->{last_tick};
	return $self->{last_tick} = $now;
}

# $fields are in the stored form of Fields.pm; people may write text for ADF.
sub create_record ($self, $who, $fields, $properties = {})
{
	$fields = Sim::Jira::Fields::from_person($self, $fields);
	$self->last_id($self->last_id + 1);
	$self->last_key($self->last_key + 1);
	my $now = $self->tick;
	my $id = $self->last_id . '';
	my %fields = (Sim::Jira::Fields::defaults(), %$fields, created => $now, updated => $now, creator => $who);
	$fields{reporter} //= $who;
	$fields{$_} = $self->normalise($_, $fields{$_}) for keys %fields;
	my $issue = $self->records->{$id} = {
		id => $id, key => $self->project->{key} . '-' . $self->last_key, fields => \%fields,
		properties => $self->settings->{strip_markers} ? {} : { %$properties }, comments => [], changelog => [],
	};
	$self->remember($id, $issue);
	$self->notify('jira:issue_created', $who, $issue, undef);
	return $id;
}

sub update_record ($self, $who, $id, $fields)
{
	my $issue = $self->find_record($id) or die { refused => [404, { error => "no record $id" }] };
	$self->change($who, $issue, Sim::Jira::Fields::from_person($self, $fields), {});
	return;
}

# Applies checked fields and properties; true when something changed.
sub change ($self, $who, $issue, $fields, $properties)
{
	my $old = { %{ $issue->{fields} } };
	if (!$self->settings->{strip_markers})
	{
		$issue->{properties}{$_} = $properties->{$_} for keys %$properties;
	}
	my %new = map { $_ => $self->normalise($_, $fields->{$_}) } keys %$fields;
	if (defined $new{status} && $new{status} ne $old->{status})
	{
		my $done = $self->statuses->{ $new{status} }{category} eq 'done';
		$new{resolution} = $done ? $new{resolution} // 'Done' : undef;
	}
	my @changed = grep { !Sim::Jira::Fields::same($new{$_}, $old->{$_}) } sort keys %new;
	return 0 if !@changed;
	$issue->{fields}{$_} = $new{$_} for @changed;
	$issue->{fields}{updated} = $self->tick;
	$self->last_change($self->last_change + 1);
	my $entry = { id => $self->last_change . '', author => $who, created => $issue->{fields}{updated},
		items => [map { Sim::Jira::Show::item($self, $_, $old->{$_}, $new{$_}) } @changed] };
	push @{ $issue->{changelog} }, $entry;
	$self->remember($issue->{id}, $issue);
	$self->notify('jira:issue_updated', $who, $issue, $entry);
	$self->automate($who, $issue->{id}, $old, \@changed);
	return 1;
}

sub add_comment ($self, $who, $id, $in)
{
	my $issue = $self->find_record($id) or die { refused => [404, { error => "no record $id" }] };
	my $body = ref $in->{body} ? $in->{body} : Sim::Jira::Fields::text_adf($in->{body});
	return $self->put_comment($who, $issue, $body, $in->{visibility}, $in->{properties});
}

# A person edits a comment (body; visibility, when it changes), or deletes it.
sub rewrite_comment ($self, $who, $id, $in)
{
	my $issue = $self->find_record($id) or die { refused => [404, { error => "no record $id" }] };
	my ($comment) = grep { $_->{id} eq $in->{comment} } @{ $issue->{comments} };
	die { refused => [404, { error => "no comment $in->{comment}" }] } if !$comment;
	return $self->drop_comment($who, $issue, $comment) if !defined $in->{body};
	$comment->{visibility} = $in->{visibility} if exists $in->{visibility};
	return $self->change_comment($who, $issue, $comment,
		ref $in->{body} ? $in->{body} : Sim::Jira::Fields::text_adf($in->{body}));
}

sub remove_record ($self, $who, $id)
{
	my $issue = $self->find_record($id) or die { refused => [404, { error => "no record $id" }] };
	delete $self->records->{ $issue->{id} };
	$self->remember($issue->{id}, undef);
	$self->notify('jira:issue_deleted', $who, $issue, undef);
	return;
}

#--- webhooks

sub notify ($self, $event, $who, $issue, $entry)
{
	my %payload = (timestamp => int($self->now * 1000), webhookEvent => $event, user => Sim::Jira::Show::user($self, $who, 0),
		issue => Sim::Jira::Show::issue($self, $issue, {}));
	$payload{issue_event_type_name} = $event eq 'jira:issue_created' ? 'issue_created' : 'issue_generic' if $event ne 'jira:issue_deleted';
	$payload{changelog} = { id => $entry->{id}, items => $entry->{items} } if $entry;
	return $self->emit(\%payload);
}

sub notify_comment ($self, $event, $who, $issue, $comment)
{
	my %short = %{ Sim::Jira::Show::issue($self, $issue, {}) };
	my %few = map { $_ => $short{fields}{$_} } qw(summary issuetype project assignee priority status);
	return $self->emit({ timestamp => int($self->now * 1000), webhookEvent => $event,
		issue => { id => $issue->{id}, key => $issue->{key}, self => $short{self}, fields => \%few },
		comment => Sim::Jira::Show::comment($self, $issue, $comment) });
}

sub emit ($self, $payload)
{
	my %headers = ('X-Atlassian-Webhook-Flow' => 'Primary', 'User-Agent' => 'Atlassian HttpClient');
	$headers{'X-Atlassian-Webhook-Identifier'} = $self->new_hex(32) if !$self->settings->{webhook}{without_id};
	$self->webhook->emit($payload, \%headers);
	return;
}

sub sign ($self, $body, $secret, $item)
{
	return ('X-Hub-Signature' => 'sha256=' . hmac_sha256_hex($body, encode_utf8($secret)), 'X-Atlassian-Webhook-Retry' => $item->{tries} > 1 ? $item->{tries} - 1 : 0);
}

1;
