-- What every database here holds: a table, a view of it with a refresh-time column, and one row moved since.
CREATE TABLE prospectos (id int PRIMARY KEY, ejecutivo_id text, coordinacion_id text);
INSERT INTO prospectos SELECT n, 'ejecutivo ' || n % 5, CASE WHEN n % 2 = 0 THEN 'VEN' ELSE 'BOOM' END
FROM generate_series(1, 100) AS n;
CREATE MATERIALIZED VIEW mv_panel AS
SELECT id, ejecutivo_id, coordinacion_id, now() AS actualizada_at FROM prospectos;
CREATE UNIQUE INDEX ON mv_panel (id);
UPDATE prospectos SET coordinacion_id = 'BOOM' WHERE id = 2;
-- The same over a table whose rows are not for everybody.
CREATE TABLE privados (id int PRIMARY KEY, de name);
INSERT INTO privados SELECT n, CASE WHEN n % 2 = 0 THEN 'filtrada' ELSE 'nadie' END FROM generate_series(1, 10) AS n;
CREATE MATERIALIZED VIEW mv_privados AS SELECT id, de, now() AS actualizada_at FROM privados;
CREATE UNIQUE INDEX ON mv_privados (id);
ALTER TABLE privados ENABLE ROW LEVEL SECURITY;
CREATE POLICY suyos ON privados USING (de = current_user);
-- And one in a schema that is closed.
CREATE SCHEMA cerrado;
CREATE MATERIALIZED VIEW cerrado.mv_cerrada AS SELECT id, now() AS actualizada_at FROM prospectos;

ALTER TABLE prospectos OWNER TO duena;
ALTER TABLE privados OWNER TO duena;
ALTER MATERIALIZED VIEW mv_panel OWNER TO duena;
ALTER MATERIALIZED VIEW mv_privados OWNER TO duena;
GRANT SELECT ON prospectos, privados, mv_panel, mv_privados, cerrado.mv_cerrada
    TO vigia, lectora, supa, filtrada, propia, encerrada;
GRANT SELECT ON mv_panel TO solo_vista;
