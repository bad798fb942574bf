package io.netpark.ktor.behaviour

import io.ktor.server.engine.ApplicationEngine
import io.ktor.server.engine.ApplicationEngineFactory

/**
 * The engine that the suite is run against. The suite is about Netpark; run against another engine (`-Dnetpark.test.engine=CIO`),
 * it shows that a test is right, or where the engines differ.
 */
enum class Subject(val servesTls: Boolean) {
    NETPARK(servesTls = true) {
        override fun factory() = io.netpark.ktor.Netpark
    },
    CIO(servesTls = false) {
        override fun factory() = io.ktor.server.cio.CIO
    };

    protected abstract fun factory(): Any

    /** To make servers with, whatever their configuration has besides that of every engine. */
    @Suppress("UNCHECKED_CAST")
    val engine: ApplicationEngineFactory<ApplicationEngine, ApplicationEngine.Configuration>
        get() = factory() as ApplicationEngineFactory<ApplicationEngine, ApplicationEngine.Configuration>

    companion object {
        val ofThisRun: Subject = System.getProperty("netpark.test.engine")?.let { valueOf(it) } ?: NETPARK
    }
}
