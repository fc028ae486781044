package pace_test

import (
	"testing"

	"github.com/hotswap/hotswap/services/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }
