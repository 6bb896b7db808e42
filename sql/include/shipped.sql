\set ECHO none
-- How the rows of a shipped connector read a payload and spell a value: shape() and spec(), for core_read() and core_down().
CREATE FUNCTION core_shape(spec jsonb, payload jsonb, headers jsonb) RETURNS jsonb AS '$libdir/syncore_core_test', 'core_shape' LANGUAGE C;
CREATE FUNCTION core_read(spec jsonb, record jsonb, full_record boolean) RETURNS text AS '$libdir/syncore_core_test', 'core_read' LANGUAGE C;
CREATE FUNCTION core_down(spec jsonb, canonical jsonb, qualifier text) RETURNS text AS '$libdir/syncore_core_test', 'core_down' LANGUAGE C;
-- How the shipped rows read a payload.
CREATE FUNCTION shape(product text, payload jsonb, headers jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT core_shape(jsonb_build_object('webhook', c.webhook, 'map', '{"path": "/x"}'::jsonb,
		'events', (SELECT jsonb_agg(to_jsonb(e) ORDER BY e.position) FROM syncore.connector_event e WHERE e.connector = c.name)), payload, headers)
	FROM syncore.connector c WHERE c.name = product $$;
-- One template row of field_map with its value map and its canonical field, as a configuration of its own.
CREATE FUNCTION spec(product text, wanted_field text, wanted_path text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('map', t.content - 'field' || CASE WHEN t.content ? 'value_map' THEN '{}'::jsonb ELSE '{"mapped": false}'::jsonb END,
		'field', (SELECT jsonb_strip_nulls(jsonb_build_object('name', f.name, 'kind', f.kind, 'allowed', f.allowed)) FROM syncore.field f
			WHERE f.entity_type = 'incident' AND f.name = wanted_field),
		'states', (SELECT jsonb_agg(s.name ORDER BY s.position) FROM syncore.state s WHERE s.entity_type = 'incident'),
		'people', '{"5137153cc611227c000bbd1bd8cd2005": "a.lee@acme.example"}'::jsonb,
		'values', (SELECT jsonb_agg(jsonb_build_array(v.content->>'external', v.content->>'canonical', v.content->>'qualifier',
				COALESCE(v.content->>'direction', 'both')) ORDER BY v.content->>'canonical')
			FROM syncore.connector_template v WHERE v.connector = product AND v.table_name = 'value_map' AND v.content->>'name' = t.content->>'value_map'))
	FROM syncore.connector_template t WHERE t.connector = product AND t.table_name = 'field_map'
		AND t.content->>'field' = wanted_field AND t.content->>'path' = wanted_path $$;
\set ECHO all
