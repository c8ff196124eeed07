-- Who may call (访问控制): keys, the nonces they have used, and the answers kept for repetition.

-- A secret must be recoverable, for an HMAC is computed with it. `sealed` says that it is encrypted
-- under JICAI_SECRETS_KEY; else it stands here as it is, and this role alone may read it.
CREATE TABLE keys (
    key        text        PRIMARY KEY COLLATE "C",
    secret     bytea       NOT NULL,
    sealed     boolean     NOT NULL,
    actor      text        NOT NULL,
    algorithm  text        NOT NULL CHECK (algorithm IN ('sm3', 'sha256')),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX keys_actor ON keys (actor);

CREATE TABLE nonces (
    key        text        NOT NULL COLLATE "C",
    nonce      text        NOT NULL COLLATE "C",
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (key, nonce)
);
CREATE INDEX nonces_expiry ON nonces (expires_at);

-- One row per (actor, path, Idempotency-Key): first a claim by a process, then its answer.
-- `kept_until` is the services' time, `claimed_at` the database's own.
CREATE TABLE answers (
    actor      text        NOT NULL,
    path       text        NOT NULL COLLATE "C",
    key        text        NOT NULL COLLATE "C",
    request    bytea       NOT NULL,
    claim      uuid        NOT NULL,
    holder     integer     NOT NULL,
    claimed_at timestamptz NOT NULL,
    kept_until timestamptz NOT NULL,
    status     integer,
    headers    bytea,
    body       bytea,
    PRIMARY KEY (actor, path, key)
);
CREATE INDEX answers_expiry ON answers (kept_until);

-- Least rights: whoever serves may use keys, but make or revoke none (`jicai keys` works as owner).
GRANT USAGE ON SCHEMA access TO jicai_access;
GRANT SELECT ON keys TO jicai_access;
GRANT SELECT, INSERT, UPDATE, DELETE ON nonces, answers TO jicai_access;
GRANT SELECT ON schema_migrations TO jicai_access;
