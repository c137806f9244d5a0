import { sh } from './quote.ts';

/** Runs `fail2ban-client -d`, then tells its commands to a server that is never started, but those that would run programs, open logs or ask name servers. */
const PROGRAM = `
import ast, io, logging, os, signal, sys
from contextlib import redirect_stdout
try:
    from fail2ban.client.fail2banclient import Fail2banClient
    from fail2ban.server.server import Server
    from fail2ban.server.transmitter import Transmitter
except ImportError: os.execvp("fail2ban-client", ["fail2ban-client", "-d"])
told = io.StringIO()
with redirect_stdout(told): accepted = Fail2banClient().start(["fail2ban-client", "-d"])
sys.stdout.write(told.getvalue())
sys.stdout.flush()
if not accepted: os._exit(255)

# a trial that cannot be made says nothing against the files
def end(*_): os._exit(0)
sys.excepthook = end
signal.signal(signal.SIGALRM, end)
signal.alarm(20)
logging.disable(logging.CRITICAL)
server, jails = Transmitter(Server()), {}
for line in told.getvalue().splitlines():
    try: command = ast.literal_eval(line)
    except (SyntaxError, ValueError): continue
    if type(command) is not list or len(command) < 3 or type(command[1]) is not str: continue
    word, jail, key = command[:3]
    if word == "add": jails[jail] = None
    elif word not in ("set", "multi-set") or jail not in jails or jails[jail]: continue
    elif key in ("addlogpath", "addjournalmatch", "addignoreip"): continue
    elif key == "addaction" and len(command) > 4: continue # a program
    failed, why = server.proceed(command)
    if failed:
        if key == "action": what = "the action " + str(command[3])
        elif word == "add": what = "backend = " + key
        elif word == "multi-set" or command[3:] == [None]: what = key.replace("add", "", 1)
        else: what = key.replace("add", "", 1) + " = " + str(command[3])
        jails[jail] = what[:150] + ": " + str(why)[:250]
for jail in jails:
    if jails[jail]: print("\\t".join(" ".join(text.split()) for text in ("refused", jail, jails[jail])))
sys.stdout.flush()
end()
`;

/**
 * A shell function: what `fail2ban-client -d` prints on both outputs, with its status, and then what the server would refuse of
 * it. A row each: `refused`, the jail and why, separated by tabs. The commands are told to a server that is never started:
 * `fail2ban-client -t` accepts a bad duration and a regex that does not compile, and a reload with one leaves no jail at all (0.11.2,
 * 1.0.2, 1.1.0). Without those rows where python3 cannot import fail2ban.
 */
export const dump = sh`dump() { python3 -I -B -c ${PROGRAM} 2>&1; }`;
