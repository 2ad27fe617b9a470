module qunfa/qunfatest

go 1.24
