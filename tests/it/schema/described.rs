//! A schema as lines that are the same for the same schema on either database.

use std::collections::BTreeSet;

use crate::support::database::Probe;

/// Tables of the portal's own, by what each line of a query begins with.
const SQLITE: [&str; 5] = [
    // Columns. What is part of a key is not null in a STRICT table.
    "SELECT m.name || '.' || c.name || ' ' || lower(c.type)
         || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN ' not null' ELSE '' END
         || coalesce(' default ' || c.dflt_value, '')
     FROM sqlite_schema m JOIN pragma_table_info(m.name) c
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '_sqlx%'",
    // What is unique. The key of a table that is its row id has no index.
    "SELECT m.name || ' unique ' || (SELECT group_concat(coalesce(x.name, '(expression)'), ', ') FROM
             (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) x)
         || CASE i.partial WHEN 1 THEN ' partial' ELSE '' END
     FROM sqlite_schema m JOIN pragma_index_list(m.name) i
     WHERE m.type = 'table' AND i.\"unique\" = 1 AND m.name NOT LIKE '_sqlx%'
     UNION ALL
     SELECT m.name || ' unique ' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
     WHERE m.type = 'table' AND c.pk = 1 AND m.name NOT LIKE '_sqlx%'
       AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) WHERE origin = 'pk')",
    "SELECT 'index ' || name || ' on ' || tbl_name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
    "SELECT m.name || ' FOREIGN KEY (' || group_concat(f.\"from\", ', ') || ') REFERENCES ' || f.\"table\"
         || '(' || group_concat(f.\"to\", ', ') || ')'
     FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' GROUP BY m.name, f.id",
    "SELECT DISTINCT 'trigger on ' || tbl_name FROM sqlite_schema WHERE type = 'trigger'",
];

const POSTGRES: [&str; 5] = [
    "SELECT table_name || '.' || column_name || ' '
         || CASE data_type WHEN 'bigint' THEN 'integer' WHEN 'bytea' THEN 'blob' ELSE data_type END
         || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
         || coalesce(' default ' || trim(both '''' from split_part(column_default, '::', 1)), '')
     FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'",
    "SELECT t.relname || ' unique ' || (SELECT string_agg(coalesce(a.attname::text, '(expression)'), ', ' ORDER BY k.n)
             FROM unnest(string_to_array(i.indkey::text, ' ')::int[]) WITH ORDINALITY k (attnum, n)
             LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum AND k.attnum > 0)
         || CASE WHEN i.indpred IS NULL THEN '' ELSE ' partial' END
     FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
     WHERE n.nspname = 'public' AND i.indisunique AND t.relname NOT LIKE '\\_sqlx%'",
    "SELECT 'index ' || indexname || ' on ' || tablename FROM pg_indexes
     WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint)",
    "SELECT conrelid::regclass::text || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'",
    "SELECT DISTINCT 'trigger on ' || tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal",
];

/// Everything that can be said of the schema, sorted.
pub async fn schema(probe: &mut Probe) -> Vec<String> {
    let queries = match probe {
        Probe::Sqlite(_) => SQLITE,
        Probe::Postgres(_) => POSTGRES,
    };
    let mut lines = Vec::new();
    for query in queries {
        let found = probe.texts(query).await;
        assert!(!found.is_empty(), "nothing was found by {query}");
        lines.extend(found);
    }
    lines.extend(conditions(probe).await);
    lines.sort();
    lines
}

/// The conditions on the rows of each table, by the words in them.
async fn conditions(probe: &mut Probe) -> Vec<String> {
    let sql = match probe {
        Probe::Sqlite(_) => {
            "SELECT name || ' ' || sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '_sqlx%'"
        }
        Probe::Postgres(_) => {
            "SELECT conrelid::regclass::text || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
             WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
        }
    };
    let mut lines = Vec::new();
    for text in probe.texts(sql).await {
        let (table, rest) = text.split_once(' ').unwrap();
        for (at, _) in rest.match_indices("CHECK (") {
            lines.push(format!("{table} CHECK {}", words(inside(&rest[at + 6..]))));
        }
    }
    lines
}

/// What stands between the first parenthesis and the one that closes it.
fn inside(text: &str) -> &str {
    let mut depth = 0;
    for (at, sign) in text.char_indices() {
        depth += match sign {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

/// The names and values of a condition. PostgreSQL says `= ANY (ARRAY[…]::bigint)` for `IN (…)`.
fn words(condition: &str) -> String {
    let words = condition.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_lowercase);
    let spelling = ["", "in", "any", "array", "text", "bigint"];
    let words: BTreeSet<String> = words.filter(|word| !spelling.contains(&word.as_str())).collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}
