-- When one view ($1) was refreshed, by the signals that name a time, and its size.
-- Checked against the documented catalogs and functions of 13 and 18. On a standby the setting says nothing: commit
-- times are there when the primary keeps them, and asking for one that is not is an error. GRANT and the like move the
-- catalog row, too: its time is that of a refresh where a row of the view came with it.
SELECT /* column */ NULL AS refreshed,
       CASE WHEN pg_is_in_recovery() THEN NULL
            WHEN current_setting('track_commit_timestamp') = 'on' AND /* rows */ false
            THEN pg_xact_commit_timestamp(c.xmin) END AS committed,
       pg_total_relation_size(c.oid) AS bytes,
       CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8 END AS estimated_rows
FROM pg_catalog.pg_class c
WHERE c.oid = $1::oid
