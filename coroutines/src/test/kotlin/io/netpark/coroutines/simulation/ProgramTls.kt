package io.netpark.coroutines.simulation

import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.Identity
import io.netpark.core.testing.tls.KeyKind
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import java.util.concurrent.ConcurrentHashMap

private val ROOT by lazy { Authority.root("Authority of random programs") }
private val IDENTITIES = ConcurrentHashMap<String, Identity>()

/** With signatures of one length, and so records, whatever is signed. */
private fun identityOf(host: String): Identity =
    IDENTITIES.computeIfAbsent(host) { ROOT.order(it).key(KeyKind.ED25519).issue() }

/** TLS between the hosts of a program. Only keys are those of all programs: it would go on with a session of the one before otherwise. */
internal class ProgramTls {
    val client: ClientTls = ClientTls.builder().trust(listOf(ROOT.certificate())).build()

    fun server(host: String): ServerTls = identityOf(host).let { ServerTls.builder().certificate(it.chain(), it.key()).build() }
}
