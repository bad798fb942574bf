package io.netpark.samples.admin

import io.micrometer.core.instrument.binder.MeterBinder
import io.micrometer.prometheusmetrics.PrometheusConfig
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry
import io.netpark.core.loop.EventLoopGroup
import io.netpark.http.Status
import io.netpark.samples.http.answers.Page
import io.netpark.samples.json.json

/**
 * What there is to see of a running server's event loops. Each page is a look: it waits for loops, up to some seconds for one that does
 * not turn, so an event loop cannot ask.
 *
 * @param meters what is at `/metrics`
 * @param more looks beside these, by their paths without the first slash; the first page does not name them
 */
internal class AdminPages(
    private val group: EventLoopGroup,
    meters: List<MeterBinder>,
    more: Map<String, () -> Sight> = emptyMap(),
) {

    private val registry = PrometheusMeterRegistry(PrometheusConfig.DEFAULT).also { registry -> meters.forEach { it.bindTo(registry) } }

    private val pages: Map<String, () -> Sight> = mapOf(
        "" to { Sight(Page(TEXT, LIST)) },
        "metrics" to { Sight(Page(PROMETHEUS, registry.scrape())) },
        "health" to {
            val health = group.health()
            Sight(Page(JSON, json(health.toMap()) + "\n"), if (health.isWell) Status.OK else Status.SERVICE_UNAVAILABLE)
        },
        "connections" to { Sight(Page(JSON, json(group.connections().toMap()) + "\n")) },
        "dump" to { Sight(Page(TEXT, group.dump())) },
    ) + more

    /** How to look at what a path names, without its first slash; null if it names nothing. */
    fun at(path: String): (() -> Sight)? = pages[path]

    private companion object {
        const val TEXT = "text/plain; charset=utf-8"
        const val JSON = "application/json"
        const val PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
        const val LIST = """/metrics      what the event loops have counted, for Prometheus
/health       loops and listeners; 503 unless there are loops, all turn, and none has failed
/connections  each connection, and who waits for it
/dump         all of that for people, in the way of a thread dump
"""
    }
}

/** A page as it is now. */
internal class Sight(val page: Page, val status: Status = Status.OK)
