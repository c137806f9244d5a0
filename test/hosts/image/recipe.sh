#!/bin/sh
# Makes the root file system in $1 into a mail host as administrators have them: SSH, sudo, James. Not fail2ban:
# installing it is the job. $2 is the folder of this file.
set -eu
root=$1 here=$2
in_root() { chroot "$root" "$@"; }

# keys of its own for every host, made at its first start
rm -f "$root"/etc/ssh/ssh_host_*
printf 'LogLevel VERBOSE\n' > "$root/etc/ssh/sshd_config.d/log.conf"
mkdir -p "$root/etc/systemd/system/ssh.service.d"
printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' > "$root/etc/systemd/system/ssh.service.d/keys.conf"

# admin: sudo without a password; operator: with one; nosudo: none at all
for user in admin operator nosudo; do
  in_root useradd -m -N -s /bin/bash "$user"
  in_root install -d -m 0700 -o "$user" "/home/$user/.ssh"
  ln -s /etc/ssh/test-keys "$root/home/$user/.ssh/authorized_keys"
done
echo 'operator:operator' | in_root chpasswd
printf 'admin ALL=(ALL) NOPASSWD: ALL\noperator ALL=(ALL) ALL\n' > "$root/etc/sudoers.d/test"
chmod 0440 "$root/etc/sudoers.d/test"

# what an installation of James looks like, without James
in_root useradd -r -d /opt/james -s /usr/sbin/nologin james
mkdir -p "$root/opt/james/bin" "$root/opt/james/conf" "$root/opt/james/log" "$root/opt/james/lib"
: > "$root/opt/james/lib/james-server-core-3.8.1.jar"
: > "$root/opt/james/lib/james-server-protocols-smtp-3.8.1.jar"
cp "$here/log4j2.xml" "$root/opt/james/conf/log4j2.xml"
in_root chown -R james:james /opt/james
chmod 0600 "$root/opt/james/conf/log4j2.xml"

# nobody looks at a console, and no lists that age with the image
ln -sf /dev/null "$root/etc/systemd/system/console-getty.service"
rm -rf "$root"/var/lib/apt/lists/*
