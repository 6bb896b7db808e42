package Sim::ServiceNow;

# ServiceNow's Table API for incidents, as far as an integration meets it:
# string values, references, sys_mod_count that a no-op does not raise, times
# in whole seconds, priority computed from impact and urgency, journal fields,
# encoded queries that ignore what they do not understand.

use Mojo::Base 'Sim::Base', -signatures;
use Digest::SHA qw(hmac_sha256_hex);
use Mojo::Util qw(url_escape);
use POSIX qw(strftime);

use Sim::ServiceNow::Query;

has product => 'servicenow';
has journal => sub { [] };         # rows of sys_journal_field, oldest first
has people => sub { {} };          # sys_id => row of sys_user
has groups => sub { {} };
has last_number => sub ($self) { ($self->settings->{first_number} // 10_001) - 1 };

# What a person or a client may set; all else is ignored, silently, as the product does.
my %WRITABLE = map { $_ => 1 } qw(short_description description state hold_reason impact urgency severity assigned_to
	assignment_group caller_id correlation_id correlation_display close_code close_notes category subcategory due_date
	opened_by cmdb_ci contact_type u_business_service u_disposition work_notes comments);
my %REFERENCE = (assigned_to => 'sys_user', caller_id => 'sys_user', opened_by => 'sys_user', assignment_group => 'sys_user_group');
my %JOURNAL = (work_notes => 1, comments => 1);
my %CHOICE = (state => qr/^[1-8]$/, impact => qr/^[123]$/, urgency => qr/^[123]$/, severity => qr/^[123]$/);
my %LENGTH = (short_description => 160, description => 4000, correlation_id => 100, close_notes => 4000);
my @EMPTY = qw(short_description description hold_reason assigned_to assignment_group caller_id correlation_id
	correlation_display close_code close_notes category subcategory due_date opened_by cmdb_ci contact_type
	u_business_service u_disposition resolved_at closed_at);
my %STATE_LABEL = (1 => 'New', 2 => 'In Progress', 3 => 'On Hold', 4 => 'Awaiting Caller', 5 => 'Awaiting Evidence',
	6 => 'Resolved', 7 => 'Closed', 8 => 'Canceled');
my %PRIORITY_LABEL = (1 => '1 - Critical', 2 => '2 - High', 3 => '3 - Moderate', 4 => '4 - Low', 5 => '5 - Planning');

sub routes ($self)
{
	return [
		[GET => qr{^/api/now(?:/v[12])?/table/(\w+)$}, 'list_rows'],
		[POST => qr{^/api/now(?:/v[12])?/table/(\w+)$}, 'create_row'],
		[GET => qr{^/api/now(?:/v[12])?/table/(\w+)/(\w+)$}, 'get_row'],
		[PATCH => qr{^/api/now(?:/v[12])?/table/(\w+)/(\w+)$}, 'patch_row'],
		[PUT => qr{^/api/now(?:/v[12])?/table/(\w+)/(\w+)$}, 'patch_row'],
		[DELETE => qr{^/api/now(?:/v[12])?/table/(\w+)/(\w+)$}, 'delete_row'],
		[GET => qr{^/api/now/ui/user/current_user$}, 'current_user'],
		[POST => qr{^/oauth_token\.do$}, 'token'],
	];
}

# {login, password, kind, name, email, sys_id}
sub add_user ($self, %user)
{
	$self->users->{ $user{login} } = \%user;
	my $id = $user{sys_id} //= $self->new_hex(32);
	$self->people->{$id} = {
		sys_id => $id, user_name => $user{login}, name => $user{name} // $user{login}, email => $user{email} // '',
		active => 'true', sys_created_on => $self->stamp, sys_updated_on => $self->stamp, sys_mod_count => '0',
	};
	return $id;
}

sub add_group ($self, %group)
{
	my $id = $group{sys_id} // $self->new_hex(32);
	$self->groups->{$id} = { sys_id => $id, name => $group{name}, sys_mod_count => '0' };
	return $id;
}

sub stamp ($self, $time = $self->now) { return strftime '%Y-%m-%d %H:%M:%S', gmtime $time }

sub refuse ($self, $req, $status, $message, $detail = undef)
{
	($message, $detail) = ('User Not Authenticated', 'Required to provide Auth information') if $status == 401;
	$message = 'Rate limit exceeded' if $status == 429;
	return ($status, { error => { message => $message, detail => $detail }, status => 'failure' },
		$status == 401 ? { 'WWW-Authenticate' => 'BASIC realm="Service-now"' } : {});
}

sub is_public ($self, $req) { return $req->{path} eq '/oauth_token.do' }

sub check_request ($self, $req)
{
	return if $self->is_public($req);
	my $accept = $req->{headers}{accept} // '*/*';
	return $self->refuse($req, 406, 'Unacceptable media type', "This resource produces application/json, not $accept")
		if $accept !~ m{application/json|application/\*|\*/\*};
	if ($req->{method} =~ /^(?:POST|PUT|PATCH)$/)
	{
		return $self->refuse($req, 415, 'Unsupported Media Type', 'The Content-Type must be application/json')
			if ($req->{headers}{'content-type'} // '') !~ m{^application/json\b};
	}
	return;
}

#--- the API

sub table ($self, $req, $name)
{
	my $rows =
		$name eq 'incident' ? $self->records
		: $name eq 'sys_user' ? $self->people
		: $name eq 'sys_user_group' ? $self->groups
		: $name eq 'sys_journal_field' ? { map { $_->{sys_id} => $_ } @{ $self->journal } }
		: $self->stop($req, 400, "Invalid table $name");
	return $rows;
}

sub list_rows ($self, $req, $name)
{
	my $rows = $self->table($req, $name);
	my $q = $req->{query};
	my @all = $name eq 'sys_journal_field' ? @{ $self->journal } : map { $rows->{$_} } sort keys %$rows;
	@all = $self->indexed($self->settings->{search_lag_ms}) if $name eq 'incident' && $self->settings->{search_lag_ms};
	my @found = Sim::ServiceNow::Query::select_rows($q->{sysparm_query} // '', \@all, \%REFERENCE);
	my $limit = $q->{sysparm_limit} // 10_000;
	my $offset = $q->{sysparm_offset} // 0;
	$self->stop($req, 400, 'Invalid limit or offset') if "$limit$offset" =~ /\D/;
	my $total = @found;
	@found = splice @found, $offset, $limit if $offset < @found;
	@found = () if $offset >= $total;
	my %headers = ('X-Total-Count' => $total);
	if ($offset + $limit < $total)
	{
		my $next = $offset + $limit;
		my $query = join '&', map { "$_=" . url_escape($_ eq 'sysparm_offset' ? $next : $q->{$_}) }
			sort keys %{ { %$q, sysparm_offset => $next } };
		$headers{Link} = '<' . $self->base_url . "$req->{path}?$query>;rel=\"next\"";
	}
	return (200, { result => [map { $self->show($q, $name, $_) } @found] }, \%headers);
}

sub get_row ($self, $req, $name, $id)
{
	my $row = $self->table($req, $name)->{$id} or $self->no_record($req);
	return (200, { result => $self->show($req->{query}, $name, $row) });
}

sub no_record ($self, $req)
{
	$self->stop($req, 404, 'No Record found', "Record doesn't exist or ACL restricts the record retrieval");
	return;
}

sub read_fields ($self, $req)
{
	my $json = $self->json_body($req);
	$json = $json->[0] if ref $json eq 'ARRAY';    # only the first record of several is processed, silently
	$self->stop($req, 400, 'Invalid request body', 'a JSON object of field names is expected') if ref $json ne 'HASH';
	for my $field (keys %$json)
	{
		$self->stop($req, 400, 'Invalid value', "field $field: a scalar is expected")
			if ref($json->{$field}) && ref($json->{$field}) !~ /Boolean/;
	}
	return $json;
}

sub create_row ($self, $req, $name)
{
	$self->table($req, $name);
	$self->stop($req, 403, 'Operation Failed', "table $name is read-only here") if $name ne 'incident';
	my $id = $self->create_record($req->{user}, $self->read_fields($req), $req);
	return (201, { result => $self->show($req->{query}, $name, $self->records->{$id}) },
		{ Location => $self->base_url . "$req->{path}/$id" });
}

sub patch_row ($self, $req, $name, $id)
{
	$self->table($req, $name)->{$id} or $self->no_record($req);
	$self->stop($req, 403, 'Operation Failed', "table $name is read-only here") if $name ne 'incident';
	$self->update_record($req->{user}, $id, $self->read_fields($req), $req);
	return (200, { result => $self->show($req->{query}, $name, $self->records->{$id}) });
}

sub delete_row ($self, $req, $name, $id)
{
	$self->table($req, $name)->{$id} or $self->no_record($req);
	$self->stop($req, 403, 'Operation Failed', "table $name is read-only here") if $name ne 'incident';
	$self->remove_record($req->{user}, $id);
	$req->{entry}{effect} = 'delete';
	return (204);
}

sub current_user ($self, $req)
{
	my ($row) = grep { $_->{user_name} eq $req->{user} } values %{ $self->people };
	return (200, { result => { user_sys_id => $row->{sys_id}, user_name => $row->{user_name}, user_display_name => $row->{name} } });
}

sub token ($self, $req)
{
	my %form = %{ Mojo::Parameters->new($req->{body})->to_hash };
	my $client = $self->settings->{oauth} // {};
	my $grant = $form{grant_type} // '';
	my $right = ($form{client_id} // '') eq ($client->{client_id} // "\0") && ($form{client_secret} // '') eq $client->{client_secret};
	return (401, { error => 'invalid_client', error_description => 'client authentication failed' }) if !$right;
	return (400, { error => 'unsupported_grant_type' }) if $grant !~ /^(?:client_credentials|password|refresh_token)$/;
	my $login = $grant eq 'password' ? $form{username} // '' : $client->{login};
	return (401, { error => 'access_denied' })
		if $grant eq 'password' && ($form{password} // '') ne ($self->users->{$login}{password} // "\0");
	my $token = $self->new_hex(40);
	$self->tokens->{$token} = $login;
	return (200, { access_token => $token, refresh_token => $self->new_hex(40), token_type => 'Bearer', scope => 'useraccount',
		expires_in => $client->{expires_in} // 1799 });
}

#--- how a row is shown

sub show ($self, $q, $name, $row)
{
	my %only = map { $_ => 1 } split /,/, $q->{sysparm_fields} // '';
	my $display = $q->{sysparm_display_value} // 'false';
	my %shown;
	for my $field (keys %$row)
	{
		next if %only && !$only{$field};
		my $value = $row->{$field};
		my $label = $self->label($name, $row, $field);
		$shown{$field} =
			$display eq 'true' ? $label
			: $display eq 'all' ? { value => $value, display_value => $label }
			: $self->stored($q, $name, $field, $value);
	}
	return \%shown;
}

sub stored ($self, $q, $name, $field, $value)
{
	return $value if $name ne 'incident' || !$REFERENCE{$field} || $value eq '' || ($q->{sysparm_exclude_reference_link} // '') eq 'true';
	return { link => $self->base_url . "/api/now/table/$REFERENCE{$field}/$value", value => $value };
}

sub label ($self, $name, $row, $field)
{
	my $value = $row->{$field};
	return $value if $name ne 'incident';
	return $STATE_LABEL{$value} // $value if $field eq 'state' || $field eq 'incident_state';
	return $PRIORITY_LABEL{$value} // $value if $field eq 'priority';
	return $self->journal_text($row->{sys_id}, $field) if $JOURNAL{$field};
	my $rows = ($REFERENCE{$field} // '') eq 'sys_user' ? $self->people : $REFERENCE{$field} ? $self->groups : {};
	return $rows->{$value} ? $rows->{$value}{name} : $value;
}

sub journal_text ($self, $id, $field)
{
	return join "\n\n", map { "$_->{sys_created_on} - $_->{sys_created_by} (" . ($field eq 'comments' ? 'Additional comments' : 'Work notes')
			. ")\n$_->{value}\n" }
		reverse grep { $_->{element_id} eq $id && $_->{element} eq $field } @{ $self->journal };
}

#--- what a record does; used by the API and by people at a screen alike

sub find_record ($self, $id)
{
	return $self->records->{$id} // (grep { $_->{number} eq $id } values %{ $self->records })[0];
}

sub dump_record ($self, $id)
{
	my $row = $self->find_record($id) or die { refused => [404, { error => "no record $id" }] };
	return { %$row, id => $row->{sys_id}, key => $row->{number},
		journal => [grep { $_->{element_id} eq $row->{sys_id} } @{ $self->journal }] };
}

# A field's value as the product stores it, or undef when it ignores the write.
sub accept_value ($self, $field, $value, $req = undef)
{
	return if !$WRITABLE{$field} && ($req || $field ne 'sys_tags');    # tags are set at the screen
	return if $field =~ /^correlation_/ && $self->settings->{strip_markers};
	$value = ref $value ? ($value ? 'true' : 'false') : defined $value ? "$value" : '';
	if ($REFERENCE{$field} && $value ne '')
	{
		my $rows = $REFERENCE{$field} eq 'sys_user' ? $self->people : $self->groups;
		my ($match) = $rows->{$value} // grep { $_->{name} eq $value || ($_->{user_name} // '') eq $value } values %$rows;
		return $match ? $match->{sys_id} : '';    # a reference to nothing is emptied
	}
	return if $CHOICE{$field} && $value ne '' && $value !~ $CHOICE{$field};
	$value = $self->normalise($field, $value);
	return $LENGTH{$field} ? substr $value, 0, $LENGTH{$field} : $value;
}

sub create_record ($self, $who, $fields, $req = undef)
{
	my $id = $self->new_hex(32);
	$self->last_number($self->last_number + 1);
	my $now = $self->stamp;
	my %row = (
		(map { $_ => '' } @EMPTY, qw(work_notes comments comments_and_work_notes)),
		sys_id => $id, number => 'INC' . sprintf('%07d', $self->last_number), sys_class_name => 'incident',
		state => '1', impact => '3', urgency => '3', severity => '3', active => 'true', opened_at => $now, sys_created_on => $now,
		sys_created_by => $who, sys_updated_on => $now, sys_updated_by => $who, sys_mod_count => '0', reopen_count => '0',
		reassignment_count => '0', sys_tags => '',
	);
	my @notes;
	for my $field (sort keys %$fields)
	{
		my $value = $self->accept_value($field, $fields->{$field}, $req);
		push @{ $req->{entry}{ignored} }, $field if $req && !defined $value;
		next if !defined $value;
		$JOURNAL{$field} ? push @notes, [$field, $value] : ($row{$field} = $value);
	}
	$self->derive(\%row);
	$self->require_closure($req, \%row) if $req;
	$self->records->{$id} = \%row;
	my @journal = map { $self->append_journal($who, $id, @$_) } grep { $_->[1] ne '' } @notes;
	$req->{entry}{effect} = 'create' if $req;
	$self->notify($who, $id, 'insert', [grep { $row{$_} ne '' } sort keys %row], \@journal);
	return $id;
}

sub update_record ($self, $who, $id, $fields, $req = undef)
{
	my $row = $self->find_record($id) or die { refused => [404, { error => "no record $id" }] };
	$id = $row->{sys_id};
	my %old = %$row;
	my @notes;
	for my $field (sort keys %$fields)
	{
		my $value = $self->accept_value($field, $fields->{$field}, $req);
		push @{ $req->{entry}{ignored} }, $field if $req && !defined $value;
		next if !defined $value;
		$JOURNAL{$field} ? push @notes, [$field, $value] : ($row->{$field} = $value);
	}
	$self->derive($row);
	my @journal = grep { $_->[1] ne '' } @notes;
	my @changed = sort((grep { $row->{$_} ne $old{$_} } keys %$row), map { $_->[0] } @journal);
	return if !@changed;    # a write that changes nothing leaves no trace
	if ($req && !eval { $self->require_closure($req, $row); 1 })
	{
		%$row = %old;
		die $@;
	}
	@journal = map { $self->append_journal($who, $id, @$_) } @journal;
	$row->{sys_mod_count} = $row->{sys_mod_count} + 1 . '';
	$row->{sys_updated_on} = $self->stamp;
	$row->{sys_updated_by} = $who;
	$req->{entry}{effect} = 'update' if $req;
	$self->notify($who, $id, 'update', \@changed, \@journal);
	$self->automate($who, $id, \%old, \@changed);
	return;
}

# What the platform computes: priority from impact and urgency, active and the closing times from the state.
sub derive ($self, $row)
{
	my ($impact, $urgency) = ($row->{impact} || 3, $row->{urgency} || 3);
	$row->{priority} = '' . ($impact + $urgency - 1);
	$row->{incident_state} = $row->{state};
	$row->{active} = $row->{state} =~ /^[78]$/ ? 'false' : 'true';
	$row->{hold_reason} = '' if $row->{state} ne '3';
	$row->{resolved_at} = $row->{state} =~ /^[67]$/ ? $row->{resolved_at} || $self->stamp : '';
	$row->{closed_at} = $row->{state} eq '7' ? $row->{closed_at} || $self->stamp : '';
	return;
}

# settings.close_mandatory: a data policy that many instances have.
sub require_closure ($self, $req, $row)
{
	return if !$self->settings->{close_mandatory} || $row->{state} !~ /^[67]$/;
	my @missing = grep { $row->{$_} eq '' } qw(close_code close_notes);
	return if !@missing;
	$self->stop($req, 403, 'Operation Failed', 'Data Policy Exception: The following fields are mandatory: ' . join ', ', @missing);
	return;
}

sub append_journal ($self, $who, $id, $element, $value)
{
	my $entry = { sys_id => $self->new_hex(32), name => 'incident', element_id => $id, element => $element, value => $value,
		sys_created_on => $self->stamp, sys_created_by => $who };
	push @{ $self->journal }, $entry;
	return $entry;
}

sub add_comment ($self, $who, $id, $in)
{
	return $self->update_record($who, $id, { $in->{channel} // 'work_notes' => $in->{body} });
}

sub remove_record ($self, $who, $id)
{
	my $row = $self->find_record($id) or die { refused => [404, { error => "no record $id" }] };
	delete $self->records->{ $row->{sys_id} };
	$self->remember($row->{sys_id}, undef);
	$self->emit_change($who, $row, 'delete', [], []);
	return;
}

#--- notifications: a business rule that posts what we ask for

sub notify ($self, $who, $id, $operation, $changed, $journal)
{
	my $row = $self->records->{$id};
	$self->remember($id, $row);
	return $self->emit_change($who, $row, $operation, $changed, $journal);
}

sub emit_change ($self, $who, $row, $operation, $changed, $journal)
{
	return if $self->settings->{exclude_user} && $self->settings->{exclude_user} eq $who;
	my %fields = map { $_ => $row->{$_} } grep { !/^sys_(?!tags$)|^(?:number|work_notes|comments|comments_and_work_notes)$/ } keys %$row;
	%fields = map { $_ => $row->{$_} } grep { exists $fields{$_} } @$changed if ($self->settings->{webhook_fields} // 'all') eq 'changed';
	my %payload = (
		table => 'incident', sys_id => $row->{sys_id}, number => $row->{number}, operation => $operation,
		sys_mod_count => $row->{sys_mod_count}, sys_updated_on => $row->{sys_updated_on}, sys_updated_by => $who,
		changed => [grep { !/^sys_/ } @$changed], fields => \%fields,
		journal => [map { my $entry = $_; +{ map { $_ => $entry->{$_} } qw(sys_id element value sys_created_on sys_created_by) } } @$journal],
	);
	$payload{correlation_id} = $row->{correlation_id} if !$self->settings->{strip_markers};
	$self->webhook->emit(\%payload);
	return;
}

# The script signs "<timestamp>.<body>"; a retry is signed anew.
sub sign ($self, $body, $secret, $item)
{
	my $timestamp = int($self->settings->{webhook}{timestamp} // time);
	return ('X-Syncore-Timestamp' => $timestamp, 'X-Syncore-Signature' => 'sha256=' . hmac_sha256_hex("$timestamp.$body", $secret));
}

1;
