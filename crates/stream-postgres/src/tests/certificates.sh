# Certificates of every kind that servers of PostgreSQL have, into the folder $1.
set -e
cd "$1"
subject() { printf '/CN=%s' "$1"; }
authority() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.crt" -days 9 -subj "$(subject "$1")"
}
# signed NAME COMMON_NAME AUTHORITY [OPTION ...]
signed() {
    name=$1 common=$2 by=$3
    shift 3
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$name.key" -out "$name.csr" -subj "$(subject "$common")"
    openssl x509 -req -in "$name.csr" -CA "$by.crt" -CAkey "$by.key" -CAcreateserial -days 9 -out "$name.crt" "$@"
}
extensions() { printf '%s\n' "$@" > "$name_of_file"; }

authority ca
authority other-ca
name_of_file=with-san; extensions 'subjectAltName=DNS:localhost' 'basicConstraints=CA:FALSE'
name_of_file=with-other-san; extensions 'subjectAltName=DNS:db.example.com' 'basicConstraints=CA:FALSE'
name_of_file=with-address; extensions 'subjectAltName=IP:127.0.0.1' 'basicConstraints=CA:FALSE'
name_of_file=without-san; extensions 'basicConstraints=CA:FALSE'
name_of_file=for-clients; extensions 'extendedKeyUsage=clientAuth' 'subjectAltName=DNS:localhost'
name_of_file=for-clients-authority; extensions 'extendedKeyUsage=clientAuth' 'basicConstraints=CA:TRUE'
name_of_file=for-signing; extensions 'keyUsage=critical,keyCertSign,cRLSign' 'basicConstraints=critical,CA:TRUE'
name_of_file=authority; extensions 'basicConstraints=critical,CA:TRUE' 'keyUsage=critical,keyCertSign,digitalSignature'
name_of_file=no-authority; extensions 'basicConstraints=critical,CA:FALSE'

signed san localhost ca -extfile with-san
signed other-san localhost ca -extfile with-other-san
signed address localhost ca -extfile with-address
signed common-name localhost ca -extfile without-san
signed upper-case LOCALHOST ca -extfile without-san
signed address-as-name 127.0.0.1 ca -extfile without-san
signed instance project:instance ca -extfile without-san
signed clients localhost ca -extfile for-clients
signed clients-authority localhost ca -extfile for-clients-authority
signed signing-only localhost ca -extfile for-signing
signed authority-flag localhost ca -extfile authority
signed expired localhost ca -extfile with-san -days -1
signed expired-authority localhost ca -extfile authority -days -1
# Of the first version, as the manual of PostgreSQL makes them.
signed first-version localhost ca
signed between between ca -extfile authority
signed below localhost between
cat between.crt >> below.crt
signed not-between not-between ca -extfile no-authority
signed below-not localhost not-between
cat not-between.crt >> below-not.crt
# Its own authority, as the manual makes it first.
authority localhost
openssl ecparam -genkey -name prime256v1 -noout -out curve.key
openssl req -x509 -key curve.key -out curve.crt -days 9 -subj /CN=localhost

# For a client: each form of a key.
signed client postgres ca -extfile without-san
openssl ec -in client.key -out client-traditional.key
signed stranger stranger ca -extfile without-san
chmod 644 ./*.key
