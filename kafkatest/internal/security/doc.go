// What the package is for.

// Package security decides who a client is and what it may do: SASL logins,
// principals from certificates, ACLs, SCRAM credentials, and the store of
// client quotas. All of it is plain state, with the answers that Apache Kafka
// gives to the requests that change or tell it.
//
// It guards nothing but tests: passwords are kept, and salts and nonces come
// from the seed, so that the same test makes the same bytes.
package security
