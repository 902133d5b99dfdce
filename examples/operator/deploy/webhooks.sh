#!/bin/sh
# Makes a certificate and key for the operator's webhooks, and prints what the cluster needs to know of them.
#   sh deploy/webhooks.sh FOLDER        the operator runs in the cluster, behind its Service: prints the Secret, too
#   sh deploy/webhooks.sh FOLDER HOST:PORT   it runs outside, and the API server reaches it there
# Good for a year; run it again before, and apply what it prints. The operator takes a new certificate up by itself.
set -eu
folder=$1 place=${2-}
host=${place%:*}
case $host in
  "") name=DNS:preview-operator.preview-system.svc ;;
  *[!0-9.]*) name=DNS:$host ;;
  *) name=IP:$host ;;
esac
mkdir -p "$folder"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 365 -subj /CN=preview-operator \
  -addext "subjectAltName=$name" -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
encoded() { base64 <"$1" | tr -d '\n'; }

if [ -z "$place" ]; then
  cat <<YAML
apiVersion: v1
kind: Secret
metadata: { name: webhook-certificate, namespace: preview-system }
type: kubernetes.io/tls
data:
  tls.crt: $(encoded "$folder/tls.crt")
  tls.key: $(encoded "$folder/tls.key")
---
YAML
fi

# client_config PATH
client_config() {
  echo "      caBundle: $(encoded "$folder/tls.crt")"
  if [ -n "$place" ]; then
    echo "      url: https://$place$1"
  else
    echo "      service: { name: preview-operator, namespace: preview-system, path: $1 }"
  fi
}
rules='    rules:
      - { apiGroups: [example.com], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [previewenvironments] }
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    timeoutSeconds: 5'

cat <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: preview-operator }
webhooks:
  - name: add-user.example.com
    clientConfig:
$(client_config /add-user)
$rules
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: preview-operator }
webhooks:
  - name: check-secrets.example.com
    clientConfig:
$(client_config /check-secrets)
$rules
YAML
