-- The dice: pure functions of (number, purpose, seed), never random(), so that no plan changes the data.
-- pg_temp.seed() and pg_temp.filas() are defined by the caller. All of it goes away with the session.

CREATE FUNCTION pg_temp.noche() RETURNS timestamptz LANGUAGE sql STABLE AS
  $$ SELECT pg_catalog.transaction_timestamp() - interval '3 days 2 hours 14 minutes' $$;

CREATE FUNCTION pg_temp.dado(i bigint, para text) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$ SELECT hashint8extended(i, hashtextextended(para, pg_temp.seed())) $$;

-- 0 .. n-1, all equally likely
CREATE FUNCTION pg_temp.elige(i bigint, para text, n bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS
  $$ SELECT ((pg_temp.dado(i, para) & 2147483647) % n)::integer $$;

-- 0 .. n-1, the low ones more often: teams are never evenly loaded
CREATE FUNCTION pg_temp.sesgo(i bigint, para text, n bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS
  $$ SELECT least(pg_temp.elige(i, para, n), pg_temp.elige(i, para || '2', n + n / 2)) $$;

-- a well-formed version 4 UUID
CREATE FUNCTION pg_temp.uid(clase text, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT overlay(overlay(md5(clase || i || '/' || pg_temp.seed()) placing '4' from 13) placing 'a' from 17)::uuid $$;

CREATE FUNCTION pg_temp.nombre(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT ('{María,José,Guadalupe,Juan,Fernanda,Luis,Sofía,Carlos,Alejandra,Miguel,Ximena,Jorge,Valeria,Ricardo,Daniela,
    Fernando,Gabriela,Eduardo,Paola,Roberto,Andrea,Arturo,Mariana,Sergio,Verónica,Raúl,Patricia,Óscar,Leticia,Héctor,
    Rocío,Manuel,Adriana,Enrique,Claudia,Alberto,Silvia,Rafael,Mónica,Gerardo}'::text[])[1 + pg_temp.elige(i, 'nombre', 40)]
$$;

CREATE FUNCTION pg_temp.apellido(i bigint, cual text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT ('{Hernández,García,Martínez,López,González,Rodríguez,Pérez,Sánchez,Ramírez,Cruz,Flores,Gómez,Morales,Vázquez,
    Reyes,Jiménez,Torres,Díaz,Gutiérrez,Ruiz,Mendoza,Aguilar,Ortiz,Moreno,Castillo,Romero,Álvarez,Méndez,Chávez,Rivera,
    Juárez,Ramos,Domínguez,Herrera,Medina,Castro,Vargas,Guzmán,Velázquez,Rojas,Muñoz,Contreras,Salazar,Luna,Ortega,
    Guerrero,Estrada,Bautista,Cortés,Soto,Alvarado,Lara,Ríos,Ávila,Delgado,Cervantes,Peña,Navarro,Ibarra,Zúñiga}'::text[]
  )[1 + pg_temp.elige(i, cual, 60)]
$$;
