/**
 * Poller, event loop, descriptors, buffers and timers, and the sockets and pools that are made of them.
 *
 * <p>Every package that others use is in one of the two lists: exported, if users hold what is in it, or exported by name to the
 * modules that are made of it: the adapters and the simulation.
 */
@SuppressWarnings("module") // those modules are compiled later
module io.netpark.core {
    requires org.jctools.core;
    requires static org.jspecify;

    // Optional: a program that wants one of them requires it, or names it with --add-modules.
    requires static com.sun.jna; // the binding before JDK 22
    requires static java.management;
    requires static jdk.jfr;
    requires static micrometer.core;
    requires static reactor.blockhound;

    // Called by reflection. They are there unless an image was made without them.
    requires static jdk.management; // the limit of direct memory
    requires static jdk.unsupported; // addresses of direct buffers before JDK 22

    exports io.netpark.core.blockhound;
    exports io.netpark.core.buffer;
    exports io.netpark.core.fd;
    exports io.netpark.core.framing;
    exports io.netpark.core.jfr;
    exports io.netpark.core.jmx;
    exports io.netpark.core.loop;
    exports io.netpark.core.micrometer;
    exports io.netpark.core.net.dialing;
    exports io.netpark.core.net.files;
    exports io.netpark.core.net.listening;
    exports io.netpark.core.net.messages;
    exports io.netpark.core.net.options;
    exports io.netpark.core.net.serving;
    exports io.netpark.core.net.socket;
    exports io.netpark.core.net.streams;
    exports io.netpark.core.net.transfer;
    exports io.netpark.core.net.zerocopy;
    exports io.netpark.core.poll;
    exports io.netpark.core.pool;
    exports io.netpark.core.report;
    exports io.netpark.core.sys;
    exports io.netpark.core.tls;

    exports io.netpark.core.counting to io.netpark.callback, io.netpark.coroutines;
    exports io.netpark.core.heap to io.netpark.callback, io.netpark.coroutines;
    exports io.netpark.core.linux to io.netpark.callback, io.netpark.coroutines, io.netpark.simulation;
    exports io.netpark.core.memory to io.netpark.callback, io.netpark.coroutines, io.netpark.simulation;
    exports io.netpark.core.net.address to io.netpark.callback, io.netpark.coroutines;
    exports io.netpark.core.net.frames to io.netpark.callback, io.netpark.coroutines;
    exports io.netpark.core.net.scratch to io.netpark.callback, io.netpark.coroutines;
    exports io.netpark.core.net.serving.rules to io.netpark.callback, io.netpark.coroutines;
    exports io.netpark.core.pem to io.netpark.callback, io.netpark.coroutines;
}
