package io.netpark.samples

import io.netpark.core.tls.ClientTls
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.nio.file.Path

/** How a sample that connects is told to encrypt: a mixin of its command. */
internal class ClientTlsOptions {

    @Spec(Spec.Target.MIXEE)
    private lateinit var spec: CommandSpec

    @Option(names = ["--tls"], description = ["Speak TLS, with a server whose certificate is for its name, and by somebody who is trusted."])
    private var tls = false

    @Option(names = ["--ca"], paramLabel = "FILE", description = ["Whom to trust, in PEM (default: whom the JDK trusts)."])
    private var authorities: Path? = null

    @Option(names = ["--cert"], paramLabel = "FILE", description = ["A certificate for servers that want one, with its chain, in PEM."])
    private var certificate: Path? = null

    @Option(names = ["--key"], paramLabel = "FILE", description = ["Its key, in PEM (default: in the file of the certificate)."])
    private var key: Path? = null

    @Option(names = ["--server-name"], paramLabel = "NAME", description = ["The name to ask for and to check (default: the host)."])
    private var serverName: String? = null

    @Option(names = ["--insecure"], description = ["Take any certificate: whoever is on the way can read and change everything."])
    private var insecure = false

    /** As it is wanted; null if it is not. Ends the program as wrongly used if the options do not go together. */
    fun make(): ClientTls? {
        val given = authorities != null || certificate != null || key != null || serverName != null || insecure
        spec.demand(tls || !given) { "--ca, --cert, --key, --server-name and --insecure are for --tls" }
        spec.demand(key == null || certificate != null) { "--key is for --cert" }
        spec.demand(authorities == null || !insecure) { "either --ca or --insecure" }
        if (!tls) return null
        return ClientTls.builder().apply {
            if (insecure) trustAnyone()
            authorities?.let { trust(it) }
            certificate?.let { certificate(it, key ?: it) }
            serverName?.let { serverName(it) }
        }.build()
    }
}
