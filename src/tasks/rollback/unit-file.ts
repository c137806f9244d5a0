/** Where the administrator's file of a unit lies, or the link that masks it. */
export const ownFile = (unit: string): string => `/etc/systemd/system/${unit}`;
