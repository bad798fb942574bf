package io.netpark.bench.proxy;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Entrant;
import io.netpark.bench.run.Jvm;
import io.netpark.bench.run.ServerProcess;
import io.netpark.core.sys.Binding;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is compared. */
public enum ProxyContender implements Entrant {
    NGINX("nginx", null),
    NETTY_COPY("netty-copy", null),
    NETTY_SPLICE("netty-splice", null),
    COROUTINE_HEAP_FFM("netpark-coroutine-heap", Binding.FFM),
    COROUTINE_COPY_FFM("netpark-coroutine-copy", Binding.FFM),
    COROUTINE_RELAY_FFM("netpark-coroutine-relay", Binding.FFM),
    CALLBACK_RELAY_FFM("netpark-callback-relay", Binding.FFM),
    COROUTINE_HEAP_JNA("netpark-coroutine-heap", Binding.JNA),
    COROUTINE_COPY_JNA("netpark-coroutine-copy", Binding.JNA),
    COROUTINE_RELAY_JNA("netpark-coroutine-relay", Binding.JNA),
    CALLBACK_RELAY_JNA("netpark-callback-relay", Binding.JNA);

    private final String proxy;
    private final @Nullable Binding binding;

    ProxyContender(String proxy, @Nullable Binding binding) {
        this.proxy = proxy;
        this.binding = binding;
    }

    /**
     * Starts it on the server's core and waits until it listens.
     *
     * @param upstreamPort on 127.0.0.1
     * @param jvmFlags beyond those that all have
     */
    public ServerProcess start(int upstreamPort, Cores cores, List<String> jvmFlags) {
        List<String> command = this == NGINX ? NginxStream.command(upstreamPort)
                : Jvm.command(Entrant.properties(jvmFlags, binding), ServeProxy.class, proxy, Integer.toString(upstreamPort));
        return ServerProcess.start(this, command, cores, "proxy-" + label());
    }

    @Override
    public String label() {
        return Entrant.label(proxy, binding);
    }

    @Override
    public Optional<String> absence() {
        if (this == NGINX) {
            return NginxStream.absence();
        }
        return binding == null ? Optional.empty() : Optional.ofNullable(binding.unavailability());
    }

    @Override
    public boolean isJvm() {
        return this != NGINX;
    }

    @Override
    public @Nullable Binding binding() {
        return binding;
    }

    /** Whether it reads into a buffer on the heap and writes it: the plain way. */
    public boolean isPlain() {
        return proxy.equals("netpark-coroutine-heap");
    }
}
