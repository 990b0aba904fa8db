# Makes an authority and one certificate for both MySQL servers in /tls, unless they are there.
set -euo pipefail
cd /tls
[ -e server.pem ] && exit 0
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=payledger-demonstration -keyout ca.key -out ca.pem
openssl req -newkey rsa:2048 -nodes -subj /CN=mysql -keyout server.key -out server.csr
printf 'subjectAltName=DNS:mysql-primary,DNS:mysql-replica\n' > names
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile names -out server.draft
chown mysql server.key
chmod 600 ca.key server.key
chmod 644 ca.pem
mv server.draft server.pem
