# Certificates of endpoints, into the folder $1.
set -e
cd "$1"
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.crt" -days 9 -subj "/CN=$1"
}
# signed NAME HOST [OPTION ...]
signed() {
    name=$1 host=$2
    shift 2
    printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$host" > extensions
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$name"
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 9 -out "$name.crt" -extfile extensions "$@"
}

authority ca
signed right DNS:hooks.example,IP:127.0.0.1
signed other DNS:internal.example
signed expired DNS:hooks.example -days -1
# Signed by itself.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout self.key -out self.crt -days 9 -subj /CN=hooks.example -addext subjectAltName=DNS:hooks.example
