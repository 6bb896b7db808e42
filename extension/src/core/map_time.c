/*
 * map_time.c
 *	  Times as products spell them, to and from a timestamp in UTC.
 *
 * Nothing depends on the session: not on DateStyle, not on TimeZone, not on
 * the clock.  A bad time is false, never an error.  The spellings are listed
 * in map.h.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "pgtime.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "core/map.h"

#define SC_TIME_LENGTH_MAX 100
#define SC_TIME_YEAR_MAX 9999
#define SC_TIME_EPOCH_MS_FROM                                                                      \
	100000000000.0 /* a number from here on counts milliseconds: 1973 against 5138 */

typedef enum Spelling
{
	SPELLING_ANY,
	SPELLING_ISO8601,
	SPELLING_SERVICENOW,
	SPELLING_JIRA,
	SPELLING_DATE,
	SPELLING_EPOCH_S,
	SPELLING_EPOCH_MS
} Spelling;

typedef struct TimeFormat
{
	Spelling spelling;
	pg_tz *zone; /* of times that name none; NULL = UTC */
} TimeFormat;

typedef struct Parts /* what was read of a time */
{
	int year;
	int month;
	int day;
	int hour;
	int minute;
	int second;
	int micros;
	bool has_offset;
	int offset; /* seconds east of UTC */
} Parts;

static bool read_format(const char *format, TimeFormat *result);
static bool parse_epoch(const char *string, bool millis, TimestampTz *result);
static bool parse_number(const char *string, const TimeFormat *format, TimestampTz *result);
static bool scan_iso(const char *at, Parts *parts);
static bool scan_mail(const char *at, Parts *parts);
static bool scan_clock(const char **at, Parts *parts, bool colons);
static bool scan_fraction(const char **at, int *micros);
static bool scan_offset(const char *at, Parts *parts);
static bool scan_digits(const char **at, int count, int *value);
static bool from_parts(const Parts *parts, pg_tz *zone, TimestampTz *result);
static char *trimmed(const char *string);

/* Reads a time; false when the text is none, or lies beyond year 9999. */
bool
sc_map_parse_time(const char *string, const char *format, TimestampTz *result)
{
	TimeFormat how;
	if (!read_format(format, &how) || strlen(string) > SC_TIME_LENGTH_MAX)
		return false;
	char *at = trimmed(string);
	if (how.spelling == SPELLING_EPOCH_S || how.spelling == SPELLING_EPOCH_MS)
		return parse_epoch(at, how.spelling == SPELLING_EPOCH_MS, result);
	if (strspn(at, "0123456789.-") == strlen(at) && strchr(at + (*at == '-' ? 1 : 0), '-') == NULL)
		return parse_number(at, &how, result);
	Parts parts = { 0 };
	if (!scan_iso(at, &parts))
	{
		memset(&parts, 0, sizeof(parts));
		if (!scan_mail(at, &parts))
			return false;
	}
	return from_parts(&parts, how.zone, result);
}

/* Spells a time; NULL for the infinite ones. */
char *
sc_map_format_time(TimestampTz at, const char *format)
{
	TimeFormat how;
	struct pg_tm tm;
	fsec_t micros;
	int west;
	if (TIMESTAMP_NOT_FINITE(at))
		return NULL;
	if (!read_format(format, &how))
		read_format(NULL, &how);
	int64 unix_micros = at + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	if (how.spelling == SPELLING_EPOCH_S)
		return psprintf(INT64_FORMAT,
						unix_micros / USECS_PER_SEC - (unix_micros % USECS_PER_SEC < 0));
	if (how.spelling == SPELLING_EPOCH_MS)
		return psprintf(INT64_FORMAT, unix_micros / 1000 - (unix_micros % 1000 < 0));
	pg_tz *utc = pg_tzset("GMT");
	if (timestamp2tm(at, &west, &tm, &micros, NULL, how.zone == NULL ? utc : how.zone) != 0)
		return NULL;
	char *date = psprintf("%04d-%02d-%02d", tm.tm_year, tm.tm_mon, tm.tm_mday);
	char *clock = psprintf("%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
	char offset[16] = "Z";
	if (how.zone != NULL)
		snprintf(offset, sizeof(offset), "%c%02d:%02d", west <= 0 ? '+' : '-', abs(west) / 3600,
				 abs(west) % 3600 / 60);
	switch (how.spelling)
	{
		case SPELLING_DATE:
			return date;
		case SPELLING_SERVICENOW:
			return psprintf("%s %s", date, clock);
		case SPELLING_JIRA:
			return psprintf("%sT%s.%03d+0000", date, clock, micros / 1000);
		default:
			if (micros == 0)
				return psprintf("%sT%s%s", date, clock, offset);
			if (micros % 1000 == 0)
				return psprintf("%sT%s.%03d%s", date, clock, micros / 1000, offset);
			return psprintf("%sT%s.%06d%s", date, clock, micros, offset);
	}
}

/* "name" or "name@Zone"; false when either is unknown. */
static bool
read_format(const char *format, TimeFormat *result)
{
	static const struct
	{
		const char *name;
		Spelling spelling;
	} names[] = { { "iso8601", SPELLING_ISO8601 }, { "servicenow", SPELLING_SERVICENOW },
				  { "jira", SPELLING_JIRA },	   { "date", SPELLING_DATE },
				  { "epoch_s", SPELLING_EPOCH_S }, { "epoch_ms", SPELLING_EPOCH_MS } };
	result->spelling = SPELLING_ANY;
	result->zone = NULL;
	if (format == NULL)
		return true;
	size_t len = strcspn(format, "@");
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strlen(names[i].name) == len && strncmp(names[i].name, format, len) == 0)
			result->spelling = names[i].spelling;
	}
	if (result->spelling == SPELLING_ANY)
		return false;
	if (format[len] == '@')
	{
		result->zone = pg_tzset(format + len + 1);
		return result->zone != NULL;
	}
	return true;
}

/* Seconds or milliseconds since 1970, with or without a fraction. */
static bool
parse_epoch(const char *string, bool millis, TimestampTz *result)
{
	const char *at = string;
	bool negative = *at == '-';
	int64 whole = 0;
	int micros = 0;
	if (negative)
		at++;
	if (!isdigit((unsigned char) *at))
		return false;
	for (; isdigit((unsigned char) *at); at++)
	{
		if (whole > PG_INT64_MAX / 10 - 1)
			return false;
		whole = whole * 10 + (*at - '0');
	}
	if (*at == '.' && !scan_fraction(&at, &micros))
		return false;
	if (*at != '\0')
		return false;
	int64 unit = millis ? 1000 : USECS_PER_SEC;
	if (whole > PG_INT64_MAX / unit - 1)
		return false;
	int64 total = whole * unit + (millis ? micros / 1000 : micros);
	if (negative)
		total = -total;
	*result = total - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	struct pg_tm tm;
	fsec_t fsec;
	return IS_VALID_TIMESTAMP(*result) &&
		   timestamp2tm(*result, NULL, &tm, &fsec, NULL, NULL) == 0 && tm.tm_year >= 1 &&
		   tm.tm_year <= SC_TIME_YEAR_MAX;
}

/* Digits only: YYYYMMDD, YYYYMMDDHHMMSS, else seconds or milliseconds by their size. */
static bool
parse_number(const char *string, const TimeFormat *format, TimestampTz *result)
{
	size_t len = strlen(string);
	bool century = strncmp(string, "19", 2) == 0 || strncmp(string, "20", 2) == 0;
	Parts parts = { 0 };
	const char *at = string;
	if (century && strchr(string, '.') == NULL && (len == 8 || len == 14))
	{
		if (!scan_digits(&at, 4, &parts.year) || !scan_digits(&at, 2, &parts.month) ||
			!scan_digits(&at, 2, &parts.day))
			return false;
		if (*at != '\0' && !scan_clock(&at, &parts, false))
			return false;
		return *at == '\0' && from_parts(&parts, format->zone, result);
	}
	return parse_epoch(string, fabs(strtod(string, NULL)) >= SC_TIME_EPOCH_MS_FROM, result);
}

/* ISO 8601 in its extended and basic form: date, then "T" or spaces, clock, fraction, zone; or a date alone. */
static bool
scan_iso(const char *at, Parts *parts)
{
	if (!scan_digits(&at, 4, &parts->year))
		return false;
	bool dashes = *at == '-';
	if (dashes)
		at++;
	if (!scan_digits(&at, 2, &parts->month) || (dashes && *at++ != '-') ||
		!scan_digits(&at, 2, &parts->day))
		return false;
	if (*at == '\0')
		return true;
	if (*at != 'T' && *at != 't' && *at != ' ')
		return false;
	at++;
	while (*at == ' ')
		at++;
	bool colons = isdigit((unsigned char) at[0]) && isdigit((unsigned char) at[1]) && at[2] == ':';
	if (!scan_clock(&at, parts, colons))
		return false;
	while (*at == ' ')
		at++;
	return scan_offset(at, parts);
}

/* RFC 5322 and HTTP: "[Sat, ]28 Feb 2026 14:32:01 +0100". */
static bool
scan_mail(const char *at, Parts *parts)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	const char *comma = strchr(at, ',');
	if (comma != NULL)
		at = comma + 1;
	while (*at == ' ')
		at++;
	int digits = isdigit((unsigned char) at[0]) && isdigit((unsigned char) at[1]) ? 2 : 1;
	if (!scan_digits(&at, digits, &parts->day) || *at++ != ' ')
		return false;
	for (int i = 0; i < 12; i++)
	{
		if (pg_strncasecmp(at, months + 3 * i, 3) == 0)
			parts->month = i + 1;
	}
	if (parts->month == 0 || at[3] != ' ')
		return false;
	at += 4;
	if (!scan_digits(&at, 4, &parts->year) || *at++ != ' ' || !scan_clock(&at, parts, true) ||
		*at++ != ' ')
		return false;
	return *at != '\0' && scan_offset(at, parts);
}

/* HH:MM, HH:MM:SS or HH:MM:SS.fraction, with or without the colons. */
static bool
scan_clock(const char **at, Parts *parts, bool colons)
{
	if (!scan_digits(at, 2, &parts->hour))
		return false;
	if (colons && *(*at)++ != ':')
		return false;
	if (!scan_digits(at, 2, &parts->minute))
		return false;
	if (colons ? **at != ':' : !isdigit((unsigned char) **at))
		return true;
	if (colons)
		(*at)++;
	if (!scan_digits(at, 2, &parts->second))
		return false;
	return (**at != '.' && **at != ',') || scan_fraction(at, &parts->micros);
}

/* A point or comma and digits; what is finer than a microsecond is cut off. */
static bool
scan_fraction(const char **at, int *micros)
{
	int scale = USECS_PER_SEC / 10;
	*micros = 0;
	(*at)++;
	if (!isdigit((unsigned char) **at))
		return false;
	for (; isdigit((unsigned char) **at); (*at)++)
	{
		*micros += (**at - '0') * scale;
		scale /= 10;
	}
	return true;
}

/* Nothing, "Z", "UTC", "GMT", ±HH, ±HHMM, ±HH:MM; then the end. */
static bool
scan_offset(const char *at, Parts *parts)
{
	int hours;
	int minutes = 0;
	if (*at == '\0')
		return true;
	parts->has_offset = true;
	if (pg_strcasecmp(at, "z") == 0 || pg_strcasecmp(at, "utc") == 0 ||
		pg_strcasecmp(at, "gmt") == 0)
		return true;
	if (*at != '+' && *at != '-')
		return false;
	int sign = *at++ == '-' ? -1 : 1;
	if (!scan_digits(&at, 2, &hours))
		return false;
	if (*at == ':')
		at++;
	if (*at != '\0' && !scan_digits(&at, 2, &minutes))
		return false;
	parts->offset = sign * (hours * 3600 + minutes * 60);
	return *at == '\0' && hours <= 15 && minutes <= 59;
}

static bool
scan_digits(const char **at, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++)
	{
		if (!isdigit((unsigned char) (*at)[i]))
			return false;
		*value = *value * 10 + ((*at)[i] - '0');
	}
	*at += count;
	return true;
}

/* 24:00 is the next midnight and a leap second the next second, as in PostgreSQL. */
static bool
from_parts(const Parts *parts, pg_tz *zone, TimestampTz *result)
{
	struct pg_tm tm = { 0 };
	if (parts->year < 1 || parts->month < 1 || parts->month > 12 || parts->day < 1 ||
		parts->day > day_tab[isleap(parts->year)][parts->month - 1])
		return false;
	if (parts->hour > 24 || parts->minute > 59 || parts->second > 60 ||
		(parts->hour == 24 && (parts->minute > 0 || parts->second > 0 || parts->micros > 0)))
		return false;
	tm.tm_year = parts->year;
	tm.tm_mon = parts->month;
	tm.tm_mday = parts->day;
	tm.tm_hour = parts->hour;
	tm.tm_min = parts->minute;
	tm.tm_sec = parts->second;
	int west = -parts->offset;
	if (!parts->has_offset && zone != NULL)
		west = DetermineTimeZoneOffset(&tm, zone);
	if (tm2timestamp(&tm, parts->micros, &west, result) != 0)
		return false;
	fsec_t fsec;
	return timestamp2tm(*result, NULL, &tm, &fsec, NULL, NULL) == 0 &&
		   tm.tm_year <= SC_TIME_YEAR_MAX;
}

static char *
trimmed(const char *string)
{
	while (isspace((unsigned char) *string))
		string++;
	char *copy = pstrdup(string);
	size_t len = strlen(copy);
	while (len > 0 && isspace((unsigned char) copy[len - 1]))
		copy[--len] = '\0';
	return copy;
}
