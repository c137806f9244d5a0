/** A part of sshd's configuration that no host has. */
export const SSHD_PART = '/etc/ssh/sshd_config.d/x.conf';

/** Tasks that write a part of sshd's configuration and have it read. */
export const sshdTasks = (content: string, service: object = {}) => ({
  config: { file: { path: SSHD_PART, content: `${content}\n` } },
  sshd: { service: { name: 'ssh', tracks: [SSHD_PART], ...service } },
});
