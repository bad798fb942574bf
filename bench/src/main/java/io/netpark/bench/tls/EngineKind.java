package io.netpark.bench.tls;

import io.netpark.bench.machine.BenchFailure;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.JdkLoggerFactory;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Provider;
import java.security.cert.Certificate;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import org.conscrypt.Conscrypt;
import org.jspecify.annotations.Nullable;

/** Whose engine does the work. */
public enum EngineKind {
    JDK,
    CONSCRYPT,
    /** Netty's: BoringSSL by way of netty-tcnative. */
    OPENSSL;

    static {
        InternalLoggerFactory.setDefaultFactory(JdkLoggerFactory.INSTANCE); // it finds an SLF4J that says it has nowhere to write
    }

    private static final char[] PASSWORD = "password".toCharArray();

    /** Its name in options and tables. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Why it is not there; empty if it is. */
    public Optional<String> absence() {
        return switch (this) {
            case JDK -> Optional.empty();
            case CONSCRYPT -> Conscrypt.isAvailable() ? Optional.empty() : Optional.of("it has no native library for this machine");
            case OPENSSL -> OpenSsl.isAvailable() ? Optional.empty() : Optional.of(OpenSsl.unavailabilityCause().toString());
        };
    }

    /** The provider of JSSE that they are of; null if it is the JDK's own. */
    public @Nullable Provider provider() {
        return switch (this) {
            case JDK -> null;
            case CONSCRYPT -> Conscrypt.newProvider();
            case OPENSSL -> throw new IllegalArgumentException("Netty's engines are of no provider");
        };
    }

    /** A server's context of JSSE. */
    public SSLContext context(SelfSigned identity) {
        return context(provider(), identity);
    }

    /** Engines of servers, not yet at work. */
    public Supplier<SSLEngine> servers(SelfSigned identity) {
        if (this != OPENSSL) {
            SSLContext context = context(identity);
            return () -> {
                SSLEngine engine = context.createSSLEngine();
                engine.setUseClientMode(false);
                return engine;
            };
        }
        try {
            SslContext context = SslContextBuilder.forServer(identity.key(), identity.certificate())
                    .sslProvider(SslProvider.OPENSSL).build();
            return () -> context.newEngine(ByteBufAllocator.DEFAULT);
        } catch (SSLException e) {
            throw new BenchFailure(e.toString());
        }
    }

    private static SSLContext context(@Nullable Provider provider, SelfSigned identity) {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("bench", identity.key(), PASSWORD, new Certificate[] {identity.certificate()});
            KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
            keys.init(store, PASSWORD);
            SSLContext context = provider != null ? SSLContext.getInstance("TLS", provider) : SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), null, null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new BenchFailure(e.toString());
        }
    }

    /** A context of the JDK for clients that trust anybody. */
    public static SSLContext clients() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {new Anybody()}, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new BenchFailure(e.toString());
        }
    }
}
