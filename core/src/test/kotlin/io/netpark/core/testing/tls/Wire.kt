package io.netpark.core.testing.tls

import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls

/**
 * How the bytes of connections travel: as they are, or by TLS. What holds for one holds for all. So contract suites run twice, the second
 * time with the system property `netpark.test.wire`.
 */
enum class Wire(private val title: String, private val protocol: String?) {
    PLAIN("plain", null),
    TLS_1_3("TLS 1.3", "TLSv1.3"),
    TLS_1_2("TLS 1.2", "TLSv1.2");

    /** For those who listen on this machine; null for no TLS. */
    val server: ServerTls? by lazy {
        protocol?.let { ServerTls.builder().certificate(IDENTITY.chain(), IDENTITY.key()).protocols(it).build() }
    }

    /** For those who dial this machine; null for no TLS. */
    val client: ClientTls? get() = if (protocol == null) null else CLIENT

    /** Whether a peer may still answer when this side has ended its output. Up to TLS 1.2 it may not (RFC 5246, 7.2.1). */
    val halfCloses: Boolean get() = this != TLS_1_2

    override fun toString() = title

    companion object {
        /** The wire of connections in this run of the tests, where a test has no other. */
        val ofThisRun: Wire = System.getProperty("netpark.test.wire")?.let { valueOf(it) } ?: PLAIN

        /** The name of this machine. */
        const val HOST = "localhost"

        /** The server chooses. */
        private val CLIENT by lazy { ClientTls.builder().trust(listOf(ROOT.certificate())).build() }
        private val ROOT = Authority.root("Authority of the tests")
        private val IDENTITY = ROOT.issue(HOST, "127.0.0.1", "::1")
    }
}
