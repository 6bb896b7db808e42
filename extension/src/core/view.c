/*
 * view.c
 *	  What stands in a record, for rules that ask for it.
 *
 * What was heard first must make no difference (R8, I8), so a rule is not shown
 * the record as it happens to be.  Each field is decided first without the rules
 * that ask, then with all of them and with what that gave, as often as there
 * are fields in dispute whose rules ask: that is enough where they do not ask in
 * a circle, and where they do it ends the same way for the same versions.
 */
#include "postgres.h"

#include "core/combine.h"
#include "core/json.h"
#include "core/view.h"

static ScView *look(const ScBatch *batch, ScEntity *entity, const ScField *field,
					const ScView *before);
static void look_at(const ScBatch *batch, ScView *view, int i, const ScView *before);
static bool is_asking(const ScBatch *batch, const ScEntity *entity, const ScStamp *stamp);
static bool is_settled(const ScBatch *batch, ScEntity *entity, const ScStamp *stamp,
					   const ScField *field);

bool
sc_view_is_asked(const ScRule *rule, const char *field)
{
	return rule->condition != NULL || (rule->name == SC_RULE_MANUAL && rule->review_from != NULL &&
									   strcmp(field, SC_POLICY_SEVERITY) != 0);
}

ScView *
sc_view_make(const ScBatch *batch, ScEntity *entity, const ScField *field)
{
	ScView *view = look(batch, entity, field, NULL);

	for (int i = 0; i < entity->stamps.len; i++)
		if (is_asking(batch, entity, &entity->stamps.items[i]))
			view = look(batch, entity, field, view);
	return view;
}

Jsonb *
sc_view_document(const ScView *view)
{
	const ScEntity *entity = view->entity;
	ScJson json = sc_json_object();

	for (int i = 0; i < entity->nvalues; i++)
	{
		const ScValue *value = &entity->values[i].value;

		for (int k = 0; k < entity->stamps.len; k++)
			if (entity->stamps.items[k].nversions > 0 &&
				strcmp(entity->stamps.items[k].field, entity->values[i].field) == 0)
				value = &view->values[k];
		if (value->state == SC_VALUE_JSON)
			sc_json_jsonb(&json, entity->values[i].field, value->json);
	}
	return sc_json_end(&json);
}

static ScView *
look(const ScBatch *batch, ScEntity *entity, const ScField *field, const ScView *before)
{
	ScView *view = palloc(sizeof(ScView));

	view->entity = entity;
	view->values = palloc0(sizeof(ScValue) * Max(entity->stamps.len, 1));
	view->held = palloc0(sizeof(bool) * Max(entity->stamps.len, 1));
	for (int i = 0; i < entity->stamps.len; i++)
	{
		const ScStamp *stamp = &entity->stamps.items[i];

		if (stamp->nversions == 0)
			view->values[i] = SC_UNKNOWN;
		else if (stamp->nversions == 1 || is_settled(batch, entity, stamp, field))
			view->values[i] = sc_model_value(entity, stamp->field)->value;
		else
			look_at(batch, view, i, before);
	}
	return view;
}

static void
look_at(const ScBatch *batch, ScView *view, int i, const ScView *before)
{
	const ScEntity *entity = view->entity;
	const ScStamp *stamp = &entity->stamps.items[i];
	const ScField *field = sc_conf_field(entity->type, stamp->field);
	ScDispute dispute = { .batch = batch,
						  .entity = entity,
						  .field = field,
						  .n = stamp->nversions,
						  .versions = stamp->versions,
						  .view = before,
						  .plain = before == NULL };
	ScChoice choice;
	bool image = false;

	view->values[i] = stamp->versions[0].value;
	if (field == NULL)
		return;
	dispute.policy = sc_conf_policy(batch->conf, entity->space, entity->type, field->name);
	choice = sc_merge_choose(&dispute, &image);
	view->held[i] = choice.hold;
	view->values[i] = choice.combine != NULL && !choice.hold
						  ? sc_combine_value(choice.combine, stamp, choice.parts)
						  : stamp->versions[choice.winner].value;
}

static bool
is_asking(const ScBatch *batch, const ScEntity *entity, const ScStamp *stamp)
{
	const ScPolicy *policy;

	if (stamp->nversions < 2)
		return false;
	policy = sc_conf_policy(batch->conf, entity->space, entity->type, stamp->field);
	for (int i = 0; i < policy->len; i++)
		if (sc_view_is_asked(&policy->rules[i], stamp->field))
			return true;
	return false;
}

/* Every system shows what was decided: that is not decided again because something else is so now. */
static bool
is_settled(const ScBatch *batch, ScEntity *entity, const ScStamp *stamp, const ScField *field)
{
	const ScField *other = sc_conf_field(entity->type, stamp->field);

	return other != NULL && strcmp(stamp->field, field->name) != 0 && !stamp->held &&
		   is_asking(batch, entity, stamp) && sc_merge_all_agree(batch, entity, other);
}
