package models

import "time"

// Environment is one step of a tenant's way to Production. Positions order them; later means closer to customers.
type Environment struct {
	Name      string `gorm:"primaryKey"`
	Position  int
	CreatedAt time.Time
}
