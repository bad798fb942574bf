package io.netpark.samples.ktor

import io.ktor.server.cio.CIO
import io.ktor.server.engine.ApplicationEngine
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.ktor.server.engine.sslConnector
import io.netpark.core.loop.EventLoopGroup
import io.netpark.ktor.Netpark
import io.netpark.samples.KeyStores
import io.netpark.samples.Listening
import io.netpark.samples.TlsClient
import io.netpark.samples.demand
import io.netpark.samples.serve
import kotlinx.coroutines.runBlocking
import picocli.CommandLine.Command
import picocli.CommandLine.Mixin
import picocli.CommandLine.Model.CommandSpec
import picocli.CommandLine.Option
import picocli.CommandLine.Spec
import java.net.InetSocketAddress
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.Callable
import java.util.concurrent.CountDownLatch

/** Which of Ktor's engines runs the service. */
enum class Engine { NETPARK, CIO }

/** A small service on Ktor, until a signal ends it. */
@Command(
    name = "samples/run ktor",
    sortOptions = false,
    description = [
        "A small Ktor service: notes in JSON at /notes, their changes at /events (server-sent events) and /live (WebSocket), " +
            "/upload, and the files of a folder at /files. The same on Netpark's engine and on Ktor's own.",
    ],
)
private class Ktor : Callable<Int> {

    @Spec
    private lateinit var spec: CommandSpec

    @Mixin
    private val listening = Listening()

    @Option(
        names = ["--engine"], paramLabel = "E",
        description = ["Which engine runs it: netpark (default), or cio, which has no TLS."],
    )
    private var engine = Engine.NETPARK

    @Option(names = ["--root"], paramLabel = "DIR", description = ["The folder whose files are served at /files (default: none)."])
    private var root: Path? = null

    override fun call(): Int {
        spec.demand(root.let { it == null || Files.isDirectory(it) }) { "--root must be a folder; $root is none" }
        spec.demand(engine == Engine.NETPARK || !listening.isEncrypted) { "--tls is for --engine netpark: CIO has no HTTPS" }
        spec.demand(engine == Engine.NETPARK || !listening.isAdministered) { "--admin is for --engine netpark: CIO has none of its event loops" }
        val address = listening.address()
        val keys = listening.keyStores()
        when (engine) {
            Engine.NETPARK -> onNetpark(address, keys).let { begin(it) { it.engine.group } }
            Engine.CIO -> begin(onCio(address)) { null }
        }
        CountDownLatch(1).await() // a signal ends the program; no engine's threads keep it alive
        return 0
    }

    private fun onNetpark(address: InetSocketAddress, keys: KeyStores?) = embeddedServer(Netpark, configure = {
        connect(address, keys)
        eventLoops = listening.loops.count
        loops = listening::configure
    }) { notes(Notes(), root) }

    private fun onCio(address: InetSocketAddress) = embeddedServer(CIO, configure = { connect(address, null) }) {
        notes(Notes(), root)
    }

    private fun ApplicationEngine.Configuration.connect(address: InetSocketAddress, keys: KeyStores?) {
        if (keys == null) {
            connector {
                host = address.hostString
                port = address.port
            }
        } else {
            sslConnector(keys.keys, KeyStores.ALIAS, { KeyStores.PASSWORD }, { KeyStores.PASSWORD }) {
                host = address.hostString
                port = address.port
                trustStore = keys.trusted
            }
        }
    }

    private fun <E : ApplicationEngine> begin(
        server: EmbeddedServer<E, *>,
        group: () -> EventLoopGroup?,
    ) {
        server.start(wait = false)
        val at = runBlocking { server.engine.resolvedConnectors().first() }
        val drain = listening.drain.toMillis()
        listening.begin(
            AutoCloseable { server.stop(gracePeriodMillis = drain, timeoutMillis = drain + CUT_MILLIS) },
            InetSocketAddress(at.host, at.port),
            group(),
            client = TlsClient.CURL,
        )
    }

    private companion object {
        /** What is left after the drain is cut off. */
        const val CUT_MILLIS = 500L
    }
}

fun main(arguments: Array<String>): Unit = serve(Ktor(), arguments)
