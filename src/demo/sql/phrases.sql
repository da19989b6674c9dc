-- What is said: turn by turn, several ways to say it. {c} the client, {e} the ejecutivo, {d} the destination.
-- Turn 0 is the client who waits for an answer.

CREATE TEMP TABLE frases ON COMMIT DROP AS
SELECT turno, orden - 1 AS variante, autor, CASE autor WHEN 'cliente' THEN 'entrante' ELSE 'saliente' END AS direccion,
       texto, count(*) OVER (PARTITION BY turno) AS variantes
FROM (VALUES
  (0, 'cliente', ARRAY['¿Hola? ¿Sigue ahí?', 'Quedo pendiente 🙏', '¿Me pueden marcar, por favor?', '¿Entonces sí hay lugar?',
    'Buenas tardes, ¿alguna novedad?', 'Ya no me contestó', '¿Me puede atender alguien más?', 'Me urge confirmar hoy']),
  (1, 'cliente', ARRAY['Hola, vi su anuncio de {d} y quiero información', 'Buenas tardes, ¿todavía está la promoción de {d}?',
    'Hola! me interesa el paquete a {d}', 'Buen día, ¿qué precio tiene {d} para 4 personas?', 'Info de {d} por favor 🙏']),
  (2, 'bot', ARRAY['¡Hola {c}! Gracias por escribirnos 😊 ¿Para qué fechas te gustaría viajar a {d}?',
    'Hola {c}, con gusto te ayudo. ¿Cuántas personas viajarían y en qué fechas?',
    '¡Qué gusto saludarte, {c}! {d} está hermoso en esta temporada. ¿Ya tienes fechas en mente?']),
  (3, 'cliente', ARRAY['Para Semana Santa, somos 2 adultos y 2 niños', 'En julio, del 12 al 17. Somos mi esposa y yo',
    'Aún no tengo fecha, depende del precio', 'Puente de mayo, 3 noches', 'Seríamos 6, ¿hay habitaciones conectadas?']),
  (4, 'ejecutivo', ARRAY['Hola {c}, soy {e}, tu ejecutivo. Tengo 5 días y 4 noches todo incluido, los niños van gratis.',
    'Buenas tardes {c}, le saluda {e}. Le comparto la cotización a {d}: queda en 12 meses sin intereses.',
    '{c}, soy {e} 👋 Para esas fechas todavía tengo disponibilidad con desayuno incluido.']),
  (5, 'cliente', ARRAY['¿Y los vuelos van incluidos?', 'Se me hace un poco caro, ¿hay algo más económico?', '¿Qué hotel es?',
    '¿Se puede apartar con un anticipo?', 'Suena bien, déjeme platicarlo con mi familia']),
  (6, 'ejecutivo', ARRAY['Los vuelos no van incluidos, pero el traslado del aeropuerto al hotel sí.',
    'Con un anticipo de $1,500 le respeto el precio y el resto lo paga antes de viajar.',
    'Claro que sí. ¿Le puedo marcar hoy para explicarle los beneficios? Son 10 minutos.']),
  (7, 'cliente', ARRAY['Márqueme mañana después de las 5', 'Ok, ¿me manda fotos del hotel?', 'Hoy no puedo, ¿el sábado?',
    'Sí, puede llamarme ahorita', 'Prefiero que todo sea por aquí, por favor']),
  (8, 'ejecutivo', ARRAY['Perfecto {c}, queda agendado. Le llamo mañana a las 5:15 pm.', 'Con gusto, en un momento le envío las fotos 📷',
    'Sin problema, seguimos por este medio. Le mando el detalle por escrito.']),
  (9, 'cliente', ARRAY['Gracias, quedo atento', 'Muchas gracias {e} 😊', '¿Con qué tarjetas puedo pagar?', 'Ya revisé, sí me interesa',
    '¿Cuánto tiempo tengo para decidir?']),
  (10, 'ejecutivo', ARRAY['Aceptamos todas las tarjetas y también transferencia.', 'El precio se respeta hasta el viernes a las 6 pm.',
    'Excelente noticia, {c}. Le comparto los datos para el anticipo.']),
  (11, 'cliente', ARRAY['Listo, ya hice la transferencia', 'Ok, el viernes le confirmo', 'Mi esposo dice que mejor en agosto, ¿se puede?',
    'Perdón, este mes ya no puedo', '¿Me comparte los datos otra vez?']),
  (12, 'ejecutivo', ARRAY['¡Recibido! En unos minutos le llega su confirmación al correo ✅', 'Sí se puede, en agosto baja un 10 %.',
    'Entiendo {c}, le escribo el próximo mes sin compromiso.'])
) AS f (turno, autor, textos)
CROSS JOIN LATERAL unnest(textos) WITH ORDINALITY AS x (texto, orden);
