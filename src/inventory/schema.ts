import { type Static, Type } from '@sinclair/typebox';

export const VARIABLE_NAME = '^[A-Za-z_][A-Za-z0-9_]*$';

export const Vars = Type.Record(Type.String({ pattern: VARIABLE_NAME }), Type.Unknown(), {
  additionalProperties: false,
  description: 'Variables for the playbook: any YAML values.',
});

const NAME = '^[A-Za-z0-9_][A-Za-z0-9_.:@-]*$';

/** A name, or a range of them: `mail[001:300]`. */
const HOSTS = '^([A-Za-z0-9_][A-Za-z0-9_.:@-]*)?(\\[[0-9]{1,9}:[0-9]{1,9}\\][A-Za-z0-9_.:@-]*)?$';

export const Host = Type.Object(
  {
    address: Type.Optional(
      Type.String({
        pattern:
          '^([A-Za-z0-9_:][A-Za-z0-9_.:%@-]*|[A-Za-z0-9_:]?[A-Za-z0-9_.:%@-]*\\[[0-9]{1,9}:[0-9]{1,9}\\][A-Za-z0-9_.:%@-]*)$',
        description:
          'Name or address to connect to (default: the name in the inventory; names of ~/.ssh/config count). A range of hosts takes a range of as many: 10.0.0.[1:300].',
      }),
    ),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65535, description: 'The SSH port (default: as ssh would).' }),
    ),
    user: Type.Optional(
      Type.String({
        pattern: '^[^\\s:@-][^\\s:@]*$',
        description: 'The user to log in as (default: as ssh would).',
      }),
    ),
    identity_file: Type.Optional(
      Type.String({ minLength: 1, description: 'The private key to log in with; ~ is your home.' }),
    ),
    host_key: Type.Optional(
      Type.String({
        pattern: '^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( .*)?$',
        description:
          'The only host key that is accepted, as in known_hosts without the name: "ssh-ed25519 AAAA…".',
      }),
    ),
    jump: Type.Optional(
      Type.String({
        pattern: '^[^\\s\\0-][^\\s\\0]*$',
        description: 'A host to connect through: [user@]host[:port], several with commas.',
      }),
    ),
    become: Type.Optional(
      Type.Boolean({ description: 'Become root with sudo (default true; not needed if the user is root).' }),
    ),
    connection: Type.Optional(
      Type.Union([Type.Literal('ssh'), Type.Literal('openssh'), Type.Literal('local')], {
        description:
          'ssh (default), openssh: by the ssh program of this machine (ssh does so by itself for certificates, hardware keys and ProxyCommand), or local: this machine itself.',
      }),
    ),
    vars: Type.Optional(Vars),
  },
  { additionalProperties: false },
);

const Group = Type.Object(
  {
    hosts: Type.Array(Type.String({ description: 'The name of a host below hosts, or a range of them.' }), {
      description: 'Its members.',
    }),
    vars: Type.Optional(Vars),
  },
  { additionalProperties: false },
);

/** The inventory: which hosts, how to reach them, and what is special about them. */
export const Inventory = Type.Object(
  {
    playbook: Type.Optional(
      Type.Union(
        [Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })],
        {
          description: 'The playbook or several, relative to this file.',
        },
      ),
    ),
    vars: Type.Optional(Vars),
    groups: Type.Optional(
      Type.Record(Type.String({ pattern: NAME }), Group, {
        additionalProperties: false,
        description: 'Groups of hosts.',
      }),
    ),
    hosts: Type.Record(Type.String({ pattern: HOSTS }), Type.Union([Host, Type.Null()]), {
      additionalProperties: false,
      minProperties: 1,
      description: 'The hosts by name; mail[001:300] stands for three hundred with the same settings.',
    }),
  },
  { additionalProperties: false, title: 'harden inventory' },
);

export type Inventory = Static<typeof Inventory>;
