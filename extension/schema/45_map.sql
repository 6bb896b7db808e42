-- What a mapping does with rich text, to try by hand.

CREATE FUNCTION syncore.adf_to_text(document jsonb) RETURNS text
	AS 'MODULE_PATHNAME', 'syncore_adf_to_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.adf_to_text(jsonb) IS
	'configure: an Atlassian document as text with Markdown marks, as a field map with format {"rich_text": "adf"} reads it';

CREATE FUNCTION syncore.text_to_adf(content text) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'syncore_text_to_adf' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.text_to_adf(text) IS
	'configure: text with Markdown marks as an Atlassian document, as a field map with format {"rich_text": "adf"} writes it';

CREATE FUNCTION syncore.convert_rich_text(content text, from_format text, to_format text) RETURNS text
	AS 'MODULE_PATHNAME', 'syncore_convert_rich_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION syncore.convert_rich_text(text, text, text) IS
	'configure: rich text in another spelling, as a field map with that format reads and writes it: plain, markdown, html, wiki';
