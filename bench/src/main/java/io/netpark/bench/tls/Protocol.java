package io.netpark.bench.tls;

/** A version of TLS, with the cipher suite that all servers speak, and browsers and proxies prefer where AES is in hardware. */
public enum Protocol {
    TLS_1_2("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    TLS_1_3("TLSv1.3", "TLS_AES_128_GCM_SHA256");

    private final String label;
    private final String suite;

    Protocol(String label, String suite) {
        this.label = label;
        this.suite = suite;
    }

    /** Java's name of it. */
    public String label() {
        return label;
    }

    /** Java's name of the cipher suite. */
    public String suite() {
        return suite;
    }
}
