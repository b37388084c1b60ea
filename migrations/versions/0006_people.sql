-- Who has an account, and who made a record.

CREATE TABLE account (
  id UUID NOT NULL,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  role VARCHAR(20) NOT NULL,
  areas TEXT[] DEFAULT '{}' NOT NULL,
  password TEXT,
  issuer TEXT,
  subject TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  disabled_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT account_pkey PRIMARY KEY (id),
  CONSTRAINT account_email_key UNIQUE (email),
  CONSTRAINT account_issuer_subject_key UNIQUE (issuer, subject),
  CONSTRAINT account_has_a_role CHECK (role <> 'visitor'),
  CONSTRAINT account_email_is_lower_case CHECK (email = lower(email))
);

CREATE TABLE account_entry (
  hash TEXT NOT NULL,
  account_id UUID NOT NULL,
  made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT account_entry_pkey PRIMARY KEY (hash),
  CONSTRAINT account_entry_account_id_fkey FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE
);

CREATE INDEX account_entry_account ON account_entry (account_id);

CREATE TABLE account_link (
  hash TEXT NOT NULL,
  account_id UUID NOT NULL,
  purpose VARCHAR(20) NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT account_link_pkey PRIMARY KEY (hash),
  CONSTRAINT account_link_account_id_fkey FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE
);

CREATE INDEX account_link_account ON account_link (account_id);

CREATE UNLOGGED TABLE allowance (
  name TEXT NOT NULL,
  asker TEXT NOT NULL,
  began_at TIMESTAMP WITH TIME ZONE NOT NULL,
  used INTEGER NOT NULL,
  CONSTRAINT allowance_pkey PRIMARY KEY (name, asker, began_at)
);

ALTER TABLE asset ADD COLUMN made_by UUID CONSTRAINT asset_made_by_fkey REFERENCES account (id) ON DELETE SET NULL;

ALTER TABLE activity ADD COLUMN made_by UUID CONSTRAINT activity_made_by_fkey REFERENCES account (id) ON DELETE SET NULL;
