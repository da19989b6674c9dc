SELECT count(*) AS differ
FROM (SELECT mvtop_row, row_number() OVER (ORDER BY mvtop_row USING OPERATOR(pg_catalog.*<)) AS place FROM {old} AS mvtop_row) AS o
FULL JOIN (SELECT mvtop_row, row_number() OVER (ORDER BY mvtop_row USING OPERATOR(pg_catalog.*<)) AS place FROM {new} AS mvtop_row) AS n ON n.place = o.place
WHERE o.place IS NULL OR n.place IS NULL OR o.mvtop_row OPERATOR(pg_catalog.*<>) n.mvtop_row
