package io.netpark.ktor.behaviour

import io.ktor.events.Events
import io.ktor.server.application.Application
import io.ktor.server.application.serverConfig
import io.ktor.server.engine.ApplicationEngine
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.applicationEnvironment
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.ktor.server.engine.sslConnector
import io.netpark.core.testing.SOON
import io.netpark.core.testing.tls.Authority
import kotlinx.coroutines.runBlocking
import org.slf4j.Logger
import org.slf4j.helpers.NOPLogger
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.ConcurrentLinkedQueue
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLSocket
import javax.net.ssl.TrustManagerFactory
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.time.toJavaDuration

/** How requests travel. */
enum class Scheme { HTTP, HTTPS;

    override fun toString() = name.lowercase()

    companion object {
        /** Those that the engine of this run has. */
        val all: List<Scheme> = if (Subject.ofThisRun.servesTls) entries else listOf(HTTP)
    }
}

/** Whom the clients of the tests trust, and what the servers of the tests show. */
object Certificates {
    const val ALIAS = "server"
    const val PASSWORD = "changeit"

    val root: Authority = Authority.root("Authority of the behaviours")
    private val identity = root.issue("localhost", "127.0.0.1", "::1")

    val keyStore = identity.keyStore(ALIAS, PASSWORD)

    /** What clients make connections with. */
    val context: SSLContext = SSLContext.getInstance("TLS").apply {
        val trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(root.trustStore()) }
        init(null, trust.trustManagers, null)
    }

    /** The authority as a file, for curl. */
    val file: Path by lazy { root.write(Files.createTempFile("authority", ".pem").also { it.toFile().deleteOnExit() }) }
}

/** One client of the JDK for all specs: it keeps threads and descriptors for as long as it is reachable. */
val jdkClient: HttpClient = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).sslContext(Certificates.context)
    .connectTimeout(SOON.toJavaDuration()).build()

/** A running application: over http, and over https as well where the engine has it. */
class RunningApplication(
    log: Logger = NOPLogger.NOP_LOGGER,
    parent: CoroutineContext = EmptyCoroutineContext,
    configure: ApplicationEngine.Configuration.() -> Unit = {},
    onMonitor: Events.() -> Unit = {},
    module: Application.() -> Unit,
) : AutoCloseable {

    /** What the engine has thrown when it was stopped: Ktor logs that, and goes on. */
    private val failedStops = ConcurrentLinkedQueue<Throwable>()

    private val watchedLog = object : Logger by log {
        override fun warn(text: String, failure: Throwable) {
            if ("engine shutdown" in text) failedStops += failure
            log.warn(text, failure)
        }
    }

    val server: EmbeddedServer<ApplicationEngine, ApplicationEngine.Configuration> = embeddedServer(
        Subject.ofThisRun.engine,
        serverConfig(applicationEnvironment { this.log = watchedLog }) {
            parentCoroutineContext = parent
            developmentMode = false
            module(module)
        },
    ) {
        shutdownGracePeriod = 0
        shutdownTimeout = 1000
        configure()
        if (connectors.isEmpty()) listenOnLoopback()
    }

    private val ports: Map<Scheme, Int>

    init {
        onMonitor(server.monitor)
        server.start()
        val connectors = runBlocking { server.engine.resolvedConnectors() }
        ports = connectors.filter { it.type.name != "UNIX" }.associate { Scheme.valueOf(it.type.name) to it.port }
    }

    fun over(scheme: Scheme) = Site(scheme, ports.getValue(scheme))

    val sites: List<Site> get() = Scheme.all.map(::over)

    /** At once: a test that has ended has no requests under way that matter. */
    override fun close() {
        server.stop(0, 1000)
        failedStops.poll()?.let { throw it }
    }
}

/** A connector for each scheme, at ports of the kernel's choice. */
fun ApplicationEngine.Configuration.listenOnLoopback() {
    connector {
        host = "127.0.0.1"
        port = 0
    }
    if (Subject.ofThisRun.servesTls) {
        val password = { Certificates.PASSWORD.toCharArray() }
        sslConnector(Certificates.keyStore, Certificates.ALIAS, password, password) {
            host = "127.0.0.1"
            port = 0
        }
    }
}

/** Where an application is to be reached by one of the schemes. */
class Site(val scheme: Scheme, val port: Int) {

    fun uri(path: String): URI = URI("$scheme://localhost:$port$path")

    /** A connection in the test's own hands. */
    fun connect(): Peer {
        val plain = Socket()
        plain.tcpNoDelay = true
        plain.soTimeout = SOON.inWholeMilliseconds.toInt()
        plain.connect(InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), SOON.inWholeMilliseconds.toInt())
        if (scheme == Scheme.HTTP) return Peer(plain, plain)
        val secure = Certificates.context.socketFactory.createSocket(plain, "localhost", port, true) as SSLSocket
        secure.startHandshake()
        return Peer(secure, plain)
    }

    /** One request over a connection of its own, sent as it is. */
    fun ask(request: String, method: String = request.substringBefore(' ')): Answer = connect().use {
        it.send(request)
        it.answer(method)
    }

    /** A GET by the JDK's client. */
    fun get(path: String, vararg fields: String): HttpResponse<String> = request(path) {
        GET()
        if (fields.isNotEmpty()) headers(*fields)
    }

    fun post(path: String, body: String, vararg fields: String): HttpResponse<String> = request(path) {
        POST(HttpRequest.BodyPublishers.ofString(body))
        if (fields.isNotEmpty()) headers(*fields)
    }

    fun request(path: String, build: HttpRequest.Builder.() -> Unit): HttpResponse<String> =
        request(path, HttpResponse.BodyHandlers.ofString(), build)

    fun <T> request(path: String, body: HttpResponse.BodyHandler<T>, build: HttpRequest.Builder.() -> Unit): HttpResponse<T> =
        jdkClient.send(HttpRequest.newBuilder(uri(path)).timeout(SOON.toJavaDuration()).apply(build).build(), body)

    override fun toString() = "$scheme"
}
