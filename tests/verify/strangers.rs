//! Test 2 runs nobody's code with the rights of whoever proves: where a stranger's would run, it is not proven, and says whose.

use crate::{REFRESH, connect, incident, loud, proof, said};

/// How a stranger's function comes to be run by an UPDATE of prospectos, and how it is taken away. Its mark outlives a rollback.
const KINDS: [(&str, &str, &str); 8] = [
    (
        "CREATE FUNCTION espia() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.marca'); END $$;
         CREATE EVENT TRIGGER espia ON ddl_command_start WHEN TAG IN ('REFRESH MATERIALIZED VIEW') EXECUTE FUNCTION espia()",
        "public.espia()",
        "DROP EVENT TRIGGER espia; DROP FUNCTION espia()",
    ),
    (
        "CREATE FUNCTION espia() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.marca'); RETURN NEW; END $$;
         CREATE TRIGGER espia BEFORE UPDATE ON prospectos FOR EACH ROW EXECUTE FUNCTION espia()",
        "public.espia()",
        "DROP FUNCTION espia() CASCADE",
    ),
    (
        "CREATE FUNCTION espia(t text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.marca'); RETURN true; END $$;
         ALTER TABLE prospectos ADD CONSTRAINT espia CHECK (espia(etapa)) NOT VALID",
        "public.espia(text)",
        "DROP FUNCTION espia(text) CASCADE",
    ),
    (
        "CREATE FUNCTION espia(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('public.marca'); RETURN t; END $$;
         CREATE INDEX espia ON prospectos (espia(etapa))",
        "public.espia(text)",
        "DROP FUNCTION espia(text) CASCADE",
    ),
    (
        "CREATE FUNCTION espia(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('public.marca'); RETURN t; END $$;
         ALTER TABLE prospectos ADD COLUMN hecha text GENERATED ALWAYS AS (espia(etapa)) STORED",
        "public.espia(text)",
        "ALTER TABLE prospectos DROP COLUMN hecha; DROP FUNCTION espia(text)",
    ),
    (
        "CREATE FUNCTION espia(t text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.marca'); RETURN true; END $$;
         CREATE DOMAIN vigilada AS text CHECK (espia(VALUE)); ALTER TABLE prospectos ADD COLUMN vista vigilada",
        "public.espia(text)",
        "ALTER TABLE prospectos DROP COLUMN vista; DROP DOMAIN vigilada; DROP FUNCTION espia(text)",
    ),
    (
        "CREATE FUNCTION espia() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.marca'); RETURN NEW; END $$;
         CREATE UNIQUE INDEX par ON prospectos (id, ejecutivo_id);
         CREATE TABLE hija (p uuid, e uuid, FOREIGN KEY (p, e) REFERENCES prospectos (id, ejecutivo_id) ON UPDATE CASCADE);
         INSERT INTO hija SELECT id, ejecutivo_id FROM prospectos;
         CREATE TRIGGER espia BEFORE UPDATE ON hija FOR EACH ROW EXECUTE FUNCTION espia()",
        "public.espia()",
        "DROP TABLE hija; DROP INDEX par; DROP FUNCTION espia()",
    ),
    (
        "CREATE FUNCTION espia(a text, b text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.marca'); RETURN a <> b; END $$;
         CREATE OPERATOR <<>> (LEFTARG = text, RIGHTARG = text, FUNCTION = espia);
         CREATE RULE espia AS ON UPDATE TO prospectos DO ALSO SELECT NEW.etapa <<>> 'x'",
        "public.espia(text,text)",
        "DROP RULE espia ON prospectos; DROP OPERATOR <<>> (text, text); DROP FUNCTION espia(text, text)",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn test_2_runs_no_strangers_code_and_says_whose_it_would_be() {
    let (demo, client) = incident().await;
    let at = demo.conninfo();
    client.batch_execute(REFRESH).await.unwrap();
    client.batch_execute("CREATE ROLE intrusa; CREATE SEQUENCE marca; GRANT ALL ON marca TO PUBLIC").await.unwrap();
    for (plant, function, back) in KINDS {
        client.batch_execute(plant).await.unwrap();
        // As long as it is a superuser's, it is run as ever.
        assert_eq!(proof(at, &["--yes"]).0["reassignment"]["ran"], true, "{plant}");
        client
            .batch_execute(&format!("ALTER FUNCTION {function} OWNER TO intrusa; SELECT setval('marca', 1, false)"))
            .await
            .unwrap();
        let (proof, code) = proof(at, &["--yes"]);
        let why = proof["reassignment"]["why"].as_str().unwrap_or_default();
        assert!(why.contains(&format!("{function} of intrusa")), "{plant}: {proof}");
        assert!(loud(&proof).contains(&"reassign not_proven".to_string()) && code == 3, "{proof}");
        let marked: bool = client.query_one("SELECT is_called FROM marca", &[]).await.unwrap().get(0);
        assert!(!marked, "it ran with our rights: {plant}");
        let (text, code) = said(at, &["--dry-run"]);
        assert!(code == 3 && text.contains("of intrusa"), "{text}");
        client.batch_execute(back).await.unwrap();
    }
    the_definition_too(&client, at).await;
    the_path_is_nobody_elses(&client, at).await;
}

/// What the definition and the views below it call runs as we are, too.
async fn the_definition_too(client: &tokio_postgres::Client, at: &str) {
    client
        .batch_execute(
            "CREATE FUNCTION espia(u uuid) RETURNS uuid LANGUAGE sql AS 'SELECT u'; ALTER FUNCTION espia(uuid) OWNER TO intrusa;
             CREATE VIEW abajo AS SELECT id, espia(ejecutivo_id) AS suyo FROM prospectos;
             CREATE MATERIALIZED VIEW de_abajo AS SELECT p.id AS prospecto_id, p.ejecutivo_id FROM prospectos p JOIN abajo a USING (id)
               WHERE a.suyo IS NOT NULL",
        )
        .await
        .unwrap();
    let (proof, _) = proof(at, &["--yes", "--view", "de_abajo"]);
    assert!(
        proof["reassignment"]["why"].as_str().is_some_and(|w| w.contains("public.espia(uuid) of intrusa")),
        "{proof}"
    );
    client.batch_execute("DROP MATERIALIZED VIEW de_abajo; DROP VIEW abajo; DROP FUNCTION espia(uuid)").await.unwrap();
}

/// A trusted trigger that names nothing with its schema finds on the path no schema in which a stranger may create.
async fn the_path_is_nobody_elses(client: &tokio_postgres::Client, at: &str) {
    client
        .batch_execute(
            "CREATE FUNCTION buena() RETURNS text LANGUAGE sql AS 'SELECT ''buena''';
             CREATE FUNCTION llama() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM buena(); RETURN NEW; END $$;
             CREATE TRIGGER llama BEFORE UPDATE ON prospectos FOR EACH ROW EXECUTE FUNCTION llama()",
        )
        .await
        .unwrap();
    let (ran, code) = proof(at, &["--yes"]);
    assert!(code == 0 && ran["reassignment"]["ran"] == true, "{ran}");
    client.batch_execute("GRANT CREATE ON SCHEMA public TO intrusa").await.unwrap();
    let (refused, _) = proof(at, &["--yes"]);
    let why = refused["reassignment"]["why"].as_str().unwrap_or_default();
    assert!(why.contains("left off the search_path: public, where intrusa may create"), "{refused}");
    client
        .batch_execute(
            "REVOKE CREATE ON SCHEMA public FROM intrusa; DROP FUNCTION llama() CASCADE; DROP FUNCTION buena()",
        )
        .await
        .unwrap();
}

/// Between the look and the yes another view may have come to stand there.
#[tokio::test(flavor = "multi_thread")]
async fn test_2_is_about_the_view_that_was_shown() {
    let (demo, client) = incident().await;
    let at = demo.conninfo();
    client.batch_execute(REFRESH).await.unwrap();
    let (sql, code) = said(at, &["--dry-run"]);
    assert_eq!(code, 0, "{sql}");
    client
        .batch_execute(
            "ALTER MATERIALIZED VIEW mv_conversaciones_dashboard RENAME TO otra;
             CREATE MATERIALIZED VIEW mv_conversaciones_dashboard AS SELECT * FROM otra",
        )
        .await
        .unwrap();
    let other = connect(at).await;
    let error = other.batch_execute(&sql).await.unwrap_err();
    assert!(error.as_db_error().is_some_and(|e| e.message().contains("is another view now")), "{error}");
}
