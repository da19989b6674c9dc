-- Coordinaciones (their real keys) and people. Osmara Partida is real to the incident; everyone else is made up.

INSERT INTO coordinaciones (id, codigo, nombre, created_at)
SELECT id::uuid, codigo, nombre, now() - interval '400 days'
FROM (VALUES
  ('3f41a10b-60b1-4c2b-b097-a83968353af5', 'VEN', 'Ventas'),
  ('e590fed1-6d65-43e0-80ab-ff819ce63eee', 'BOOM', 'Boom'),
  ('4c1ece41-bb6b-49a1-b52b-f5236f54d60a', 'MVP', 'MVP'),
  ('f33742b9-46cf-4716-bf7a-ce129a82bad2', 'APEX', 'Apex'),
  ('0008460b-a730-4f0b-ac1b-5aaa5c40f5b0', 'COBACA', 'Cobaca'),
  ('eea1c2ff-b50c-48ba-a694-0dc4c96706ca', 'CALIDAD', 'Calidad')
) AS c (id, codigo, nombre);

-- puesto: place within the coordinación, 0 = the busiest. Osmara is nobody's colleague here: only the plan gives her work.
CREATE TEMP TABLE equipo ON COMMIT DROP AS
SELECT numero, x.nombre, c.id AS coordinacion_id, c.codigo,
       CASE WHEN x.nombre = 'Osmara Partida' THEN 'd7847ffa-0758-4eb2-a97b-f80e54886531'::uuid
            ELSE pg_temp.uid('ejecutivo', numero) END AS id,
       CASE WHEN x.nombre <> 'Osmara Partida' THEN
         row_number() OVER (PARTITION BY c.codigo, x.nombre = 'Osmara Partida' ORDER BY numero) - 1 END AS puesto
FROM (VALUES
  (1, 'VEN', '{Abigail Montoya,Bruno Zaragoza,Carmen Olvera,Diego Santillán,Elisa Bermúdez,Fabián Cordero,Graciela Nava,
    Hugo Villaseñor,Irene Tapia,Joaquín Madrigal,Karla Espino,Leonardo Arriaga,Marisol Quintana}'),
  (2, 'BOOM', '{Osmara Partida,Nicolás Barragán,Olga Pineda,Pablo Arizmendi,Renata Galván,Saúl Carranza,Tania Briseño,
    Ulises Coronado,Violeta Macías,Wendy Sandoval,Yahir Toledo}'),
  (3, 'MVP', '{Zulema Fierro,Adán Ocampo,Berenice Rangel,César Limón,Dulce Palacios,Efraín Robledo,Flor Cisneros,Germán Alcántara}'),
  (4, 'APEX', '{Hilda Becerra,Iván Solórzano,Jimena Trejo,Kevin Urbina,Lorena Valdivia,Mateo Zepeda}'),
  (5, 'COBACA', '{Nadia Castañeda,Octavio Leyva,Perla Monroy,Quetzal Aranda,Rubén Figueroa}'),
  (6, 'CALIDAD', '{Selene Gallardo,Tomás Huerta,Úrsula Jáuregui,Vicente Rentería}')
) AS e (mesa, codigo, nombres)
JOIN coordinaciones c USING (codigo)
CROSS JOIN LATERAL unnest(e.nombres::text[]) WITH ORDINALITY AS x (nombre, orden)
CROSS JOIN LATERAL (SELECT 100 * mesa + orden AS numero) AS clave;

INSERT INTO profiles (id, email, full_name, rol, coordinacion_id, created_at)
SELECT id, translate(lower(replace(nombre, ' ', '.')), 'áéíóúñÁÉÍÓÚÑ', 'aeiounaeioun') || '@crm.example',
       nombre, 'ejecutivo', coordinacion_id, now() - make_interval(days => 30 + pg_temp.elige(numero, 'alta', 330))
FROM equipo
ORDER BY numero;

INSERT INTO profiles (id, email, full_name, rol, coordinacion_id, is_active, created_at)
SELECT pg_temp.uid('profile', i),
       translate(lower(nombre || '.' || apellido), 'áéíóúñÁÉÍÓÚÑ', 'aeiounaeioun') || i || '@crm.example',
       nombre || ' ' || apellido, rol,
       CASE WHEN rol = 'coordinador' THEN (SELECT id FROM coordinaciones ORDER BY codigo OFFSET i % 6 LIMIT 1) END,
       pg_temp.elige(i, 'activo', 8) > 0,
       now() - make_interval(days => 30 + pg_temp.elige(i, 'alta', 330))
FROM generate_series(1001, 1098) AS i
CROSS JOIN LATERAL (
  SELECT pg_temp.nombre(i) AS nombre, pg_temp.apellido(i, 'paterno') AS apellido,
         CASE WHEN i <= 1012 THEN 'coordinador' WHEN i <= 1016 THEN 'administrador'
              ELSE ('{calidad,marketing,soporte}'::text[])[1 + i % 3] END AS rol
) AS p;
