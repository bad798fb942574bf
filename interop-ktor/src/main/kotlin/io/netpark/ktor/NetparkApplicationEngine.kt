package io.netpark.ktor

import io.ktor.events.Events
import io.ktor.events.raiseCatching
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationEnvironment
import io.ktor.server.application.ApplicationStopPreparing
import io.ktor.server.application.ServerReady
import io.ktor.server.engine.ApplicationEngine
import io.ktor.server.engine.BaseApplicationEngine
import io.ktor.server.engine.EngineConnectorConfig
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Buffering
import io.netpark.http.HeadLimits
import io.netpark.ktor.serving.Run
import io.netpark.ktor.serving.Settings
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/** A Ktor server on Netpark; [Netpark] makes it. */
public class NetparkApplicationEngine(
    environment: ApplicationEnvironment,
    monitor: Events,
    private val developmentMode: Boolean,
    /** The settings. A change counts for the next start. */
    public val configuration: Configuration,
    private val applicationProvider: () -> Application,
) : BaseApplicationEngine(environment, monitor, developmentMode) {

    @Volatile private var run: Run? = null
    @Volatile private var connectors = CompletableDeferred<List<EngineConnectorConfig>>()
    @Volatile private var stopped: Job = Job().apply { complete() }
    private var cancellation: CompletableJob? = null

    /** The event loops of the engine while it runs; null before and after. This is what `NetparkMeters` takes. */
    public val group: EventLoopGroup? get() = run?.reactor?.group

    /**
     * The connectors with the ports that were chosen for 0. Suspends until the engine has started for the first time. While it is
     * stopped they are those of its last run, as with Ktor's own engines.
     */
    override suspend fun resolvedConnectors(): List<EngineConnectorConfig> = connectors.await()

    /**
     * Starts listening, and returns when clients can connect.
     *
     * @param wait whether to return only when the engine has been stopped
     * @throws NetparkException a connector's address is in use, for example; then nothing is left running
     * @throws IllegalStateException the engine is running
     */
    override fun start(wait: Boolean): ApplicationEngine {
        begin()
        if (wait) runBlocking { stopped.join() }
        return this
    }

    override suspend fun startSuspend(wait: Boolean): ApplicationEngine {
        withContext(Dispatchers.IO) { begin() }
        if (wait) stopped.join()
        return this
    }

    private fun begin() {
        beginRun()
        monitor.raiseCatching(ServerReady, environment, environment.log) // others' code, so not in the lock
    }

    @Synchronized
    private fun beginRun() {
        check(run == null) { "the engine is running; to start it again, stop it first" }
        val parent = applicationProvider().parentCoroutineContext[Job]
        val begun = try {
            Run(environment, pipeline, configuration.toSettings(), developmentMode, applicationProvider)
        } catch (e: Throwable) {
            if (!connectors.isCompleted) {
                connectors.cancel(CancellationException("the engine could not start: ${e.message}", e))
                connectors = CompletableDeferred()
            }
            throw e
        }
        run = begun
        stopped = begun.over
        cancellation = stopWith(parent)
        if (!connectors.complete(begun.connectors)) connectors = CompletableDeferred(begun.connectors)
    }

    /**
     * Has the engine stopped when [parent] is cancelled. The parent is not over before the engine is. (Ktor has a function for
     * this, which misses a cancellation that comes at once.)
     */
    private fun stopWith(parent: Job?): CompletableJob? {
        if (parent == null) return null
        val running = Job(parent)
        CoroutineScope(parent + Dispatchers.IO).launch(start = CoroutineStart.UNDISPATCHED) {
            withContext(NonCancellable) {
                running.join()
                if (running.isCancelled) stopSuspend(configuration.shutdownGracePeriod, configuration.shutdownTimeout)
            }
        }
        return running
    }

    /**
     * Stops: nobody is accepted any more, idle connections are closed at once, and this returns as soon as the calls in progress
     * have ended. Answers say `Connection: close` from now on.
     *
     * @param gracePeriodMillis how long calls may go on; then they are cancelled
     * @param timeoutMillis when calls that do not heed that are cut off, by a reset of their connection
     * @throws IllegalStateException on an event loop of the engine, which this would wait for
     */
    override fun stop(gracePeriodMillis: Long, timeoutMillis: Long) {
        check(run?.isOnLoop() != true) { "a call on an event loop cannot wait for the engine to stop: use another thread" }
        runBlocking { stopSuspend(gracePeriodMillis, timeoutMillis) }
    }

    override suspend fun stopSuspend(gracePeriodMillis: Long, timeoutMillis: Long) {
        val ended = end() ?: return stopped.join()
        withContext(NonCancellable + Dispatchers.IO) {
            monitor.raiseCatching(ApplicationStopPreparing, environment, environment.log)
            try {
                ended.stop(gracePeriodMillis, timeoutMillis)
            } finally {
                ended.over.complete()
            }
        }
    }

    /** Takes the run that is to be stopped. Null if there is none, or another caller has it. */
    @Synchronized
    private fun end(): Run? {
        val ended = run ?: return null
        run = null
        cancellation?.complete()
        return ended
    }

    override fun toString(): String = "Netpark engine at ${run?.connectors ?: "rest"}"

    /**
     * The settings of the engine, beside those of all of Ktor's engines. Of the latter [connectors], [shutdownGracePeriod] and
     * [shutdownTimeout] count. The sizes of thread groups do not: [eventLoops] has the number of threads, and [callDispatcher]
     * where calls run.
     *
     * A time is [Duration.INFINITE] for no limit. Times and sizes are above zero.
     */
    public class Configuration : BaseApplicationEngine.Configuration() {

        /** How many event loops, each of which is a thread; null, the default, for half the processors, at least one. */
        public var eventLoops: Int? = null

        /**
         * Where calls run. By default, null, each runs on the event loop of its connection, which must not be blocked: what
         * blocks is done in `withContext(Dispatchers.IO)`. With a dispatcher, such as `Dispatchers.IO` or one of virtual threads,
         * calls may block, and each call costs two changes of threads.
         */
        public var callDispatcher: CoroutineDispatcher? = null

        /** The most bytes of a request line, with its end. A longer one is answered by 414. 8 KiB by default. */
        public var maxRequestLine: Int = 8 * KIB

        /** The most bytes of all header fields of a request. More are answered by 431. 16 KiB by default. */
        public var maxHeadSize: Int = 16 * KIB

        /** The most header fields of a request. More are answered by 431. 100 by default. */
        public var maxHeaderFields: Int = 100

        /** The most bytes of a request's body. A longer one is answered by 413. No limit by default. */
        public var maxBodySize: Long = Long.MAX_VALUE

        /**
         * The most bytes of a request's body that are read and thrown away when the call has not taken them, so that the
         * connection can stay open. If there are more, the connection ends with the answer. 1 MiB by default.
         */
        public var maxDiscardedBody: Long = 1024L * KIB

        /**
         * The most calls of one connection at a time: of a client that sends requests without waiting for answers. A request is
         * begun while those before it wait, and its answer follows theirs, if the methods of all are safe (GET, HEAD, OPTIONS,
         * TRACE). A request with a body is the last that is begun so. 32 by default; with 1 requests are handled one after another.
         */
        public var maxPipelinedCalls: Int = 32

        /**
         * How long the head of a request may take, from its first byte to its last. Then the answer is 408. 10 seconds by default.
         */
        public var headTimeout: Duration = 10.seconds

        /**
         * How long a call waits for the body of its request, all times that it waits together. Each 500 bytes that come earn a
         * second back. So a client that sends nothing, or a byte now and then, is too slow, and gets a 408. 30 seconds by default.
         * A client that sends an event now and then in one long body needs [Duration.INFINITE].
         */
        public var bodyTimeout: Duration = 30.seconds

        /**
         * How long an answer may make no progress because the client does not take it. Then the connection is reset. 30 seconds
         * by default.
         */
        public var writeTimeout: Duration = 30.seconds

        /** How long a connection may stay open between two requests, or before the first. 60 seconds by default. */
        public var idleTimeout: Duration = 60.seconds

        /** How long a client may go on sending after the last answer of its connection. 2 seconds by default. */
        public var lingerTime: Duration = 2.seconds

        /**
         * The most connections at a time, of all connectors together. Others wait in the backlog. Null, the default, for no limit.
         */
        public var maxConnections: Int? = null

        /** The most connections at a time from one address. Others are reset. Null, the default, for no limit. */
        public var maxConnectionsPerAddress: Int? = null

        /** Whether each event loop has a listening socket of its own (SO_REUSEPORT). False by default. */
        public var listenOnEachLoop: Boolean = false

        /** Further choices about the event loops: names, affinity, watchdog, metrics, the reporter of trouble. */
        public var loops: EventLoopGroup.Builder.() -> Unit = {}

        /** How much a connection may hold of what it reads and writes, and from which pool. */
        public var buffering: Buffering = Buffering()

        internal fun toSettings(): Settings {
            require(maxRequestLine.toLong() + maxHeadSize <= buffering.inputLimit) {
                "maxRequestLine, $maxRequestLine, and maxHeadSize, $maxHeadSize, are together more than a connection may hold: " +
                    "buffering has an inputLimit of ${buffering.inputLimit}"
            }
            return settings()
        }

        private fun settings() = Settings(
            connectors = connectors.toList(),
            unixPath = { (it as? UnixSocketConnectorConfig)?.socketPath },
            eventLoops = eventLoops,
            callDispatcher = callDispatcher,
            headLimits = headLimits(),
            maxBodySize = maxBodySize,
            maxDiscardedBody = maxDiscardedBody,
            maxPipelinedCalls = maxPipelinedCalls,
            headTimeout = headTimeout,
            bodyTimeout = bodyTimeout,
            writeTimeout = writeTimeout,
            idleTimeout = idleTimeout,
            lingerTime = lingerTime,
            maxConnections = maxConnections,
            maxConnectionsPerAddress = maxConnectionsPerAddress,
            listenOnEachLoop = listenOnEachLoop,
            loops = loops,
            buffering = buffering,
        )

        private fun headLimits(): HeadLimits {
            checked("maxRequestLine", maxRequestLine) { HeadLimits(line = it) }
            checked("maxHeadSize", maxHeadSize) { HeadLimits(head = it) }
            checked("maxHeaderFields", maxHeaderFields) { HeadLimits(fields = it) }
            return HeadLimits(maxRequestLine, maxHeadSize, maxHeaderFields)
        }

        /** Has a failure name the setting, as users know it by that name only. */
        private inline fun checked(name: String, value: Int, make: (Int) -> Any): Unit = try {
            make(value)
            Unit
        } catch (e: IllegalArgumentException) {
            throw IllegalArgumentException("$name cannot be $value: ${e.message}", e)
        }

        private companion object {
            const val KIB = 1024
        }
    }
}
