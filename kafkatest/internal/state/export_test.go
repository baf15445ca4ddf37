// What tests look at that nobody else does.

package state

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
)

// Settings returns the store of all configs.
func (c *Cluster) Settings() *setting.Store { return c.settings }

// Authorizer returns who decides what clients may do, nil if nobody does.
func (c *Cluster) Authorizer() *security.Authorizer { return c.guards.authorizer }
