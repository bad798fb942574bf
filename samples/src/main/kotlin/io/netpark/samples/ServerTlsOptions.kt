package io.netpark.samples

import io.netpark.core.sys.AddressText
import io.netpark.core.tls.CertificateInfo
import io.netpark.core.tls.ClientAuth
import io.netpark.core.tls.ServerTls
import io.netpark.samples.paths.quoted
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.nio.file.Path
import java.time.Duration
import java.time.LocalDate
import java.time.ZoneOffset

/** How a sample that listens is told to encrypt, and how it says by which certificate: a part of [Listening]. */
internal class ServerTlsOptions {

    @Spec(Spec.Target.MIXEE)
    private lateinit var spec: CommandSpec

    @Option(
        names = ["--tls"],
        description = ["Speak TLS. Without --cert by a certificate for this machine that the program makes and signs itself."],
    )
    private var tls = false

    @Option(names = ["--cert"], paramLabel = "FILE", description = ["The certificate with its chain, in PEM; read again when it changes."])
    private var certificate: Path? = null

    @Option(names = ["--key"], paramLabel = "FILE", description = ["Its key, in PEM (default: in the file of the certificate)."])
    private var key: Path? = null

    @Option(
        names = ["--client-ca"], paramLabel = "FILE",
        description = ["Take only clients whose certificates these authorities have signed, in PEM."],
    )
    private var clientAuthorities: Path? = null

    /** What was made; null until then. */
    var made: ServerTls? = null
        private set

    private var own: SelfSigned? = null
    private var isWatched = false
    private lateinit var host: String

    /** Whether it is asked for. Ends the program as wrongly used if there are files for it and it is not. */
    val isWanted: Boolean get() {
        spec.demand(tls || certificate == null && key == null && clientAuthorities == null) { "--cert, --key and --client-ca are for --tls" }
        spec.demand(key == null || certificate != null) { "--key is for --cert" }
        return tls
    }

    /**
     * As it is wanted; null if it is not. Files are watched from now on.
     *
     * @param host where the server listens
     * @param applicationProtocols what it speaks, if clients may ask (ALPN)
     */
    fun make(host: String, applicationProtocols: List<String>): ServerTls? = build(host, applicationProtocols)?.also {
        it.watch(WATCH) { what, _ -> System.err.println(what) } // for as long as the program runs
        isWatched = true
    }

    /** The same for a server that encrypts by itself: what is in the files now. */
    fun keyStores(host: String): KeyStores? {
        build(host, emptyList()) ?: return null // a first look at the files, with clear messages
        val own = own
        val file = own?.certificate ?: certificate ?: return null
        return KeyStores.of(file, own?.key ?: key ?: file, clientAuthorities)
    }

    private fun build(host: String, applicationProtocols: List<String>): ServerTls? {
        if (!isWanted) return null
        this.host = host
        val builder = ServerTls.builder()
        val given = certificate
        if (given != null) {
            builder.certificate(given, key ?: given)
        } else {
            own = SelfSigned.of(host).also { builder.certificate(it.certificate, it.key) }
        }
        clientAuthorities?.let { builder.clientAuth(ClientAuth.NEEDED).clientAuthorities(it) }
        if (applicationProtocols.isNotEmpty()) builder.applicationProtocols(*applicationProtocols.toTypedArray())
        return builder.build().also { made = it }
    }

    /** What there is to say of it when the server listens, in lines. */
    fun told(address: SocketAddress, client: TlsClient): List<String> {
        val certificate = made?.certificates()?.first() ?: return emptyList()
        val own = own
        if (own == null) {
            val watched = if (isWatched) "; it is read again when it changes" else ""
            return listOf("TLS by the certificate in ${this.certificate}, ${told(certificate)}$watched")
        }
        val port = (address as? InetSocketAddress)?.port
        val trial = port?.let { client.command(own.certificate.quoted(), near(), it) + if (clientAuthorities == null) "" else OF_CLIENT }
        return listOfNotNull(
            "TLS by a certificate of its own in ${own.certificate}, ${told(certificate)}" + if (trial == null) "" else "; try:",
            trial?.let { "  $it" },
        )
    }

    private fun told(certificate: CertificateInfo): String =
        "for ${certificate.names.joinToString(", ") { short(it) }}, until ${LocalDate.ofInstant(certificate.notAfter, ZoneOffset.UTC)}"

    private fun short(name: String): String = if (':' in name) AddressText.of(InetAddress.getByName(name)).trim('[', ']') else name

    /** Where a client on this machine finds the server. */
    private fun near(): String = if (InetAddress.getByName(host).isAnyLocalAddress) "127.0.0.1" else host

    private companion object {
        val WATCH: Duration = Duration.ofSeconds(1)
        const val OF_CLIENT = " --cert CLIENT.pem --key CLIENT.key"
    }
}

/** How somebody tries a server whose certificate nobody knows: a command line. */
internal fun interface TlsClient {

    /** @param certificate the file to trust, as a shell takes it */
    fun command(certificate: String, host: String, port: Int): String

    companion object {
        /** For a server that speaks a protocol of its own, or none. */
        val CONNECT = TlsClient { certificate, host, port -> "samples/run connect --tls --ca $certificate $host $port" }

        /** For one that speaks HTTP. */
        val CURL = TlsClient { certificate, host, port ->
            "curl --cacert $certificate https://${if (':' in host) "[$host]" else host}:$port/"
        }
    }
}
