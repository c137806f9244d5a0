import type { TestHost } from './host.ts';

/** Runs a Python program on a host, which reads JSON and prints JSON: fail2ban is written in it, so Python itself is the judge. */
export async function python<T>(host: TestHost, program: string, input: unknown): Promise<T> {
  await host.write('/root/program.py', program);
  await host.write('/root/input.json', JSON.stringify(input));
  // the engine hands over in pieces what is printed, which may end within a character
  return JSON.parse(await host.must('python3 -I /root/program.py </root/input.json')) as T;
}
