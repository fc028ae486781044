module github.com/hotswap/hotswap/client

go 1.25.0
