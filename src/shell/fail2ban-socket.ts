import { lines, raw, sh } from './quote.ts';

export const SOCKET = '/var/run/fail2ban/fail2ban.sock';

/** Seconds that an answer may take. */
export const PATIENCE = 5;

/**
 * Python that speaks the server's own protocol (pickled lists, ended by a marker) over one connection: a single
 * `fail2ban-client` costs three times as much. The answers are unpickled without ever running what they name.
 * `server` is a socket that is not connected yet.
 */
export const CLIENT = `import io, json, os, pickle, socket, sys, time
END = b'<F2B_END_COMMAND>'

class Inert:
    def __init__(self, *args): self.args = args
    def __setstate__(self, state): pass
    def __str__(self): return str(self.args[0]) if self.args else ''

class Harmless(pickle.Unpickler):
    def find_class(self, module, name):
        return str if (module, name) == ('builtins', 'str') else Inert

def ask(*command):
    server.sendall(pickle.dumps(list(command), 2) + END)
    answer = b''
    while not answer.endswith(END):
        chunk = server.recv(65536)
        if not chunk: raise OSError('the server closed the connection')
        answer += chunk
    answer = Harmless(io.BytesIO(answer)).load()
    if not isinstance(answer, (list, tuple)) or len(answer) != 2: raise OSError(str(answer))
    return answer[1] if answer[0] == 0 else None

def listed():
    names = dict(ask('status')).get('Jail list') or ''
    return [name.strip() for name in names.split(',') if name.strip()]

def close(): server.sendall(b'<F2B_CLOSE_COMMAND>' + END)

server = socket.socket(socket.AF_UNIX)
server.settimeout(${PATIENCE})
`;

/** Longer than a look is patient: one that is just reading its logs is busy. */
const RUNNING = `${CLIENT}
server.settimeout(20)
try: server.connect(sys.argv[1])
except (FileNotFoundError, ConnectionRefusedError): sys.exit(1)
except OSError: sys.exit(3)
try:
    print(*listed())
    close()
except Exception: sys.exit(3)
`;

/** A shell function: the names of the jails that the server lists, separated by blanks. Status 1: no server runs. 3: it runs, and does not answer. */
export const running = lines([
  raw('running() {'),
  sh`[ -S ${SOCKET} ] && python3 -I -S -c ${RUNNING} ${SOCKET}`,
  raw('}'),
]);
