package io.netpark.bench.proxy;

import io.netpark.bench.run.Jvm;
import io.netpark.core.sys.Binding;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is compared. */
public enum ProxyContender {
    NGINX("nginx", null),
    NETTY_COPY("netty-copy", null),
    NETTY_SPLICE("netty-splice", null),
    COROUTINE_COPY_FFM("netpark-coroutine-copy", Binding.FFM),
    COROUTINE_RELAY_FFM("netpark-coroutine-relay", Binding.FFM),
    CALLBACK_RELAY_FFM("netpark-callback-relay", Binding.FFM),
    COROUTINE_COPY_JNA("netpark-coroutine-copy", Binding.JNA),
    COROUTINE_RELAY_JNA("netpark-coroutine-relay", Binding.JNA),
    CALLBACK_RELAY_JNA("netpark-callback-relay", Binding.JNA);

    private final String proxy;
    private final @Nullable Binding binding;

    ProxyContender(String proxy, @Nullable Binding binding) {
        this.proxy = proxy;
        this.binding = binding;
    }

    /** Its name in options and tables, such as {@code netpark-coroutine-relay-ffm}. */
    public String label() {
        return binding == null ? proxy : proxy + "-" + binding.name().toLowerCase(Locale.ROOT);
    }

    /** Why it cannot take part here; empty if it can. */
    public Optional<String> absence() {
        if (this == NGINX) {
            return NginxStream.absence();
        }
        return binding == null ? Optional.empty() : Optional.ofNullable(binding.unavailability());
    }

    /** The command of its process; later JVM flags override the common ones. */
    List<String> command(int upstreamPort, List<String> jvmFlags) {
        if (this == NGINX) {
            return NginxStream.command(upstreamPort);
        }
        List<String> properties = new ArrayList<>(jvmFlags);
        if (binding != null) {
            properties.add("-D" + Binding.PROPERTY + "=" + binding.name().toLowerCase(Locale.ROOT));
        }
        return Jvm.command(properties, ServeProxy.class, proxy, Integer.toString(upstreamPort));
    }

    /** Whether its process is a JVM that answers {@link ServeProxy}'s commands. */
    public boolean isJvm() {
        return this != NGINX;
    }

    /** How it reaches the C library, if it is Netpark; otherwise null. */
    public @Nullable Binding binding() {
        return binding;
    }

    /** Whether it is this project's. */
    public boolean isNetpark() {
        return binding != null;
    }
}
