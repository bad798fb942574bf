package io.netpark.ktor.serving

import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationEnvironment
import io.ktor.server.application.PipelineCall
import io.ktor.server.engine.DefaultUncaughtExceptionHandler
import io.ktor.server.engine.EngineConnectorConfig
import io.ktor.server.engine.EnginePipeline
import io.ktor.server.engine.handleFailure
import io.ktor.util.pipeline.execute
import io.netpark.core.loop.EventLoop
import io.netpark.core.net.serving.Shutdown
import io.netpark.coroutines.Listener
import io.netpark.coroutines.Reactor
import java.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.job
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull

/** One run of an engine, from its start to its stop: loops, listeners, and the calls that are made. */
internal class Run(
    private val environment: ApplicationEnvironment,
    private val pipeline: EnginePipeline,
    val settings: Settings,
    private val isDevelopment: Boolean,
    private val applicationProvider: () -> Application,
) {
    val reactor: Reactor = Reactor(settings.eventLoops, settings.buffering, settings.loops)
    private val listening: Listening
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default + DefaultUncaughtExceptionHandler(environment.log))
    private val serving: List<Job>

    /** Completes when the run has been stopped. */
    val over: CompletableJob = Job()

    @Volatile private var lastCalls: Calls? = null

    /** The grace period is over. Guarded by this. */
    private var hasNoTime = false

    /** What a call does. One object for all calls. */
    val handle: suspend NetparkCall.() -> Unit = {
        try {
            coroutineContext.ensureActive() // an executor that refuses a call has it run elsewhere, cancelled
            pipeline.execute(this)
        } catch (e: Throwable) {
            handleFailure(this, e)
        }
    }

    init {
        try {
            listening = Listening(reactor, settings)
        } catch (e: Throwable) {
            reactor.close()
            throw e
        }
        serving = listening.all.map { (listener, scheme) -> serve(listener, scheme) }
    }

    /** The connectors, with the ports that were chosen for 0. */
    val connectors: List<EngineConnectorConfig> get() = listening.connectors

    private fun serve(listener: Listener, scheme: String): Job = scope.launch {
        listener.serve { connection -> HttpConnection(connection, this@Run, this, scheme).serve() }
    }

    // The application

    /** The calls of the application; null if it is not known which one that is by now. Asking costs little. */
    val calls: Calls? get() = if (isDevelopment) null else lastCalls?.takeIf { it.isActive }

    /**
     * The calls of the application that is there by now. Ktor may be making a new one, and waits for calls of the old one to end:
     * so this leaves the loop.
     *
     * @return null if there is none
     */
    suspend fun awaitCalls(): Calls? {
        val application = withContext(Dispatchers.IO) { applicationOrNull() } ?: return null
        return callsOf(application)
    }

    private fun applicationOrNull(): Application? = try {
        applicationProvider()
    } catch (e: Throwable) { // as it could not be made anew, for example, in development mode
        environment.log.error("A request is answered with 503, as there is no application", e)
        null
    }

    @Synchronized
    private fun callsOf(application: Application): Calls {
        lastCalls?.let { if (it.application === application) return it }
        lastCalls?.complete()
        return Calls(application, settings.callDispatcher).also {
            if (hasNoTime) it.cancel(NO_TIME)
            lastCalls = it
        }
    }

    /** Calls in progress are cancelled, and so is what begins now: a request whose head was on its way when the server began to stop. */
    @Synchronized
    private fun giveUpCalls() {
        hasNoTime = true
        lastCalls?.cancel(NO_TIME)
    }

    /** A call has not begun: where it was to run, nothing is taken any more. */
    fun refused(call: PipelineCall, failure: Throwable) {
        environment.log.error("{} is answered with 503, as callDispatcher does not take it", call, failure)
    }

    /** A call has ended with a failure that it could not answer. */
    fun failed(call: PipelineCall, failure: Throwable) {
        environment.log.debug("{} has failed to tell of its failure", call, failure)
    }

    // The end

    /**
     * Stops accepting, closes idle connections, and returns when the calls in progress have ended. After [grace] they are
     * cancelled, and after [timeout] cut off. Both in milliseconds, from now.
     */
    suspend fun stop(grace: Long, timeout: Long) {
        try {
            end(grace, timeout)
        } finally {
            scope.coroutineContext.job.cancel()
            reactor.close()
        }
    }

    private suspend fun end(grace: Long, timeout: Long) {
        supervisorScope { // a listener whose shutdown fails takes no time from the calls of another
            val giveUp = launch {
                delay(grace.coerceAtLeast(0).milliseconds)
                giveUpCalls()
            }
            val phases = Shutdown.within(Duration.ofMillis(maxOf(grace, timeout, 0)))
            val ends = listening.all.map { (listener, _) -> async { listener.shutdown(phases) } }
            ends.joinAll()
            giveUp.cancel()
            ends.awaitAll()
        }
        lastCalls?.complete()
        withTimeoutOrNull(LEAVING) { serving.joinAll() }
    }

    /** Whether the caller is on one of the loops. */
    fun isOnLoop(): Boolean {
        val current: EventLoop? = EventLoop.current()
        return current != null && current in reactor.group.loops()
    }

    private companion object {
        const val NO_TIME = "the server stops, and the time for calls in progress is over"

        /** How long handlers that have been cut off may take to notice. */
        val LEAVING = 1.seconds
    }
}
