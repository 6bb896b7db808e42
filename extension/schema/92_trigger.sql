-- Triggers on configuration: made last, so that what ships is neither versioned nor refused.

DO $triggers$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY syncore._config_tables() LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER config_version AFTER INSERT OR UPDATE OR DELETE ON syncore.%I
			FOR EACH ROW EXECUTE FUNCTION syncore._config_version()', t);
		EXECUTE pg_catalog.format('CREATE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON syncore.%I
			FOR EACH STATEMENT EXECUTE FUNCTION syncore._config_changed()', t);
		EXECUTE pg_catalog.format('ALTER TABLE syncore.%I ENABLE ALWAYS TRIGGER config_changed', t);
	END LOOP;

	FOREACH t IN ARRAY ARRAY['connector', 'connector_operation', 'connector_event', 'connector_template'] LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER b_shipped BEFORE INSERT OR UPDATE OR DELETE ON syncore.%I
			FOR EACH ROW EXECUTE FUNCTION syncore._config_shipped(''locked'')', t);
	END LOOP;
	FOREACH t IN ARRAY ARRAY['space_role', 'entity_type', 'field', 'state', 'state_transition', 'ownership', 'policy'] LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER b_shipped BEFORE INSERT OR UPDATE OR DELETE ON syncore.%I
			FOR EACH ROW EXECUTE FUNCTION syncore._config_shipped(''open'')', t);
	END LOOP;
	FOR t IN SELECT DISTINCT u.table_name FROM syncore._unbuilt() u LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER c_unbuilt BEFORE INSERT OR UPDATE ON syncore.%I
			FOR EACH ROW EXECUTE FUNCTION syncore._config_unbuilt()', t);
	END LOOP;
	FOREACH t IN ARRAY ARRAY['field_map', 'policy'] LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER c_run_as BEFORE INSERT OR UPDATE ON syncore.%I
			FOR EACH ROW EXECUTE FUNCTION syncore._config_run_as()', t);
	END LOOP;
END
$triggers$;

CREATE CONSTRAINT TRIGGER d_machine AFTER INSERT OR UPDATE OR DELETE ON syncore.state DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION syncore._config_state_machine();
CREATE CONSTRAINT TRIGGER d_machine AFTER INSERT OR UPDATE OR DELETE ON syncore.state_transition DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION syncore._config_state_machine();
CREATE CONSTRAINT TRIGGER d_owned AFTER INSERT OR UPDATE OF system, entity_type, field, direction ON syncore.field_map DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION syncore._config_owned();
CREATE CONSTRAINT TRIGGER d_owned AFTER UPDATE OF space, entity_type, field OR DELETE ON syncore.ownership DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION syncore._config_owned();
CREATE TRIGGER b_field BEFORE INSERT OR UPDATE ON syncore.field_map FOR EACH ROW EXECUTE FUNCTION syncore._config_field_map();
CREATE TRIGGER b_meaning BEFORE INSERT OR UPDATE ON syncore.value_map FOR EACH ROW EXECUTE FUNCTION syncore._config_value_map();
CREATE TRIGGER d_creator AFTER INSERT ON syncore.space FOR EACH ROW EXECUTE FUNCTION syncore._space_creator();
CREATE TRIGGER c_match BEFORE INSERT OR UPDATE ON syncore.match_rule FOR EACH ROW EXECUTE FUNCTION syncore._config_match();
CREATE TRIGGER d_rekey AFTER INSERT OR DELETE OR UPDATE OF space, entity_type, kind, fields, normalise ON syncore.match_rule
	FOR EACH ROW EXECUTE FUNCTION syncore._match_rekey();
CREATE TRIGGER c_system BEFORE INSERT OR UPDATE ON syncore.system FOR EACH ROW EXECUTE FUNCTION syncore._config_system();

-- Names begin with a: a restored row is taken care of before anything looks at it.
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.space FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('id');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.space_role FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('space', 'role', 'level');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.connector FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('name');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.connector_operation FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('connector', 'record_type', 'operation', 'position');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.connector_event FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('connector', 'position');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.connector_template FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('connector', 'position');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.entity_type FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('id');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.field FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('entity_type', 'name');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.state FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('entity_type', 'name');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.state_transition FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('entity_type', 'from_state', 'to_state');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.ownership FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('space', 'entity_type', 'field');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.policy FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('space', 'entity_type', 'field', 'position');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.instance FOR EACH ROW EXECUTE FUNCTION syncore._restore_row('one');
CREATE TRIGGER a_restore BEFORE INSERT ON syncore.config_version FOR EACH ROW EXECUTE FUNCTION syncore._restore_removal();
