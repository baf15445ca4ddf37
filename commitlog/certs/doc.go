// What the package is for.

// Package certs makes a certificate authority and certificates, for trying
// a cluster out and for tests.
//
//	ca, err := certs.NewAuthority(certs.Config{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	if err := ca.WriteDir("certs", []string{"n0,127.0.0.1", "n1"}, []string{"root"}); err != nil {
//		log.Fatal(err)
//	}
//
// A certificate's common name is who its holder is, as access rules see it.
// Keys are ECDSA on P-256. The authority's key lies beside what it signs, in
// a file without a password: for production, use an authority that is kept
// apart.
package certs
