package io.netpark.samples.doctor

import io.netpark.samples.run
import picocli.CommandLine.Command
import picocli.CommandLine.Option
import java.util.concurrent.Callable
import kotlin.system.exitProcess

/** Says whether Netpark can run here, and what stands in the way of many connections. */
@Command(
    name = "samples/run doctor",
    description = ["Looks at the system, the JDK, the bindings, TLS, and the limits that many connections run into, and says " +
        "what to do. Run it as the user, and in the container, of the service that is meant.", "",
        "Exit status: 0 if Netpark can run here, 1 if it cannot, 2 after a usage error."],
)
private class Doctor : Callable<Int> {

    @Option(names = ["-h", "--help"], usageHelp = true, description = ["Shows this."])
    private var help = false

    @Option(names = ["--json"], description = ["Writes one JSON object, for programs."])
    private var json = false

    override fun call(): Int {
        val report = examine(Host(), Jvm.running(), LiveTrials)
        if (json) println(report.json()) else report.lines().forEach(::println)
        return if (report.canRun) 0 else 1
    }
}

fun main(arguments: Array<String>): Unit = exitProcess(run(Doctor(), arguments))
