package io.netpark.bench.ktor

import io.ktor.events.Events
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationEnvironment
import io.ktor.server.application.ServerReady
import io.ktor.server.engine.ApplicationEngine
import io.ktor.server.engine.ApplicationEngineFactory
import io.ktor.server.engine.BaseApplicationEngine
import io.ktor.server.engine.EngineConnectorConfig
import io.ktor.server.engine.withPort
import io.netpark.bench.load.Encoded
import kotlinx.coroutines.runBlocking
import org.HdrHistogram.Histogram
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import kotlin.concurrent.thread

/**
 * An engine without a network: what Ktor's own pipeline costs, whoever serves it. Requests are in memory, as if they had been
 * parsed, and answers go nowhere. It calls its application again and again on one thread, for as long as it is told.
 *
 * At its port it takes orders in place of requests: a line with the method, the path, the bytes of a request's body, and
 * milliseconds, such as `GET /plaintext 0 500`. It answers with one line when it has done that, as [Encoded] writes it, and closes.
 */
public object NullEngine : ApplicationEngineFactory<ApplicationEngine, ApplicationEngine.Configuration> {

    override fun configuration(configure: ApplicationEngine.Configuration.() -> Unit): ApplicationEngine.Configuration =
        BaseApplicationEngine.Configuration().apply(configure)

    override fun create(
        environment: ApplicationEnvironment,
        monitor: Events,
        developmentMode: Boolean,
        configuration: ApplicationEngine.Configuration,
        applicationProvider: () -> Application,
    ): ApplicationEngine = Running(environment, monitor, developmentMode, configuration.connectors.single(), applicationProvider)

    private class Running(
        environment: ApplicationEnvironment,
        monitor: Events,
        developmentMode: Boolean,
        private val connector: EngineConnectorConfig,
        private val application: () -> Application,
    ) : BaseApplicationEngine(environment, monitor, developmentMode) {

        private val orders = ServerSocket()

        override fun start(wait: Boolean): ApplicationEngine {
            orders.bind(java.net.InetSocketAddress(InetAddress.getByName(connector.host), connector.port))
            resolvedConnectorsDeferred.complete(listOf(connector.withPort(orders.localPort)))
            monitor.raise(ServerReady, environment)
            val taking = thread(name = "orders", isDaemon = true) {
                while (!orders.isClosed) orders.accept().use(::obey)
            }
            if (wait) taking.join()
            return this
        }

        override fun stop(gracePeriodMillis: Long, timeoutMillis: Long) {
            orders.close()
        }

        private fun obey(order: Socket) {
            val words = order.getInputStream().bufferedReader().readLine()?.split(' ') ?: return
            val answer = work(Canned(words[0], words[1], words[2].toInt()), words[3].toLong())
            order.getOutputStream().write("$answer\n".toByteArray())
        }

        private fun work(request: Canned, millis: Long): String {
            val begin = System.nanoTime()
            val end = begin + millis * 1_000_000
            var calls = 0L
            var bytes = 0L
            runBlocking {
                while (System.nanoTime() < end) {
                    val call = NullCall(application(), request, coroutineContext)
                    pipeline.execute(call, Unit)
                    check(call.response.status()?.value == 200) { "the answer to ${request.path} is ${call.response.status()}" }
                    calls++
                    bytes += call.response.sent
                }
            }
            // Nobody waits for a call, so there are no latencies.
            return Encoded.result(calls, bytes, System.nanoTime() - begin, Histogram(2, 3))
        }
    }
}
