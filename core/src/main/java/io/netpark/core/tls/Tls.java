package io.netpark.core.tls;

import io.netpark.core.report.Reporter;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * How connections are encrypted. Shared by any number of connections and used by any thread. All of it is immutable but the
 * certificates and keys that have been read from files, which {@link #reload} replaces.
 */
public abstract sealed class Tls permits ServerTls, ClientTls {

    private static final Duration HANDSHAKE_TIMEOUT = Duration.ofSeconds(10);
    private static final List<String> PROTOCOLS = List.of("TLSv1.3", "TLSv1.2");

    /** Where engines come from. */
    final Origin origin;

    private final Duration handshakeTimeout;
    private final Executor taskExecutor;
    private final boolean tasksOnLoop;
    private final List<String> applicationProtocols;

    /** For each engine; null to leave it as it is. */
    private final String @Nullable [] protocols;

    private final String @Nullable [] cipherSuites;

    Tls(Builder<?> builder, List<TrustSource> trust, boolean trustsAnyone, Side side) {
        origin = builder.origin(trust, trustsAnyone);
        handshakeTimeout = builder.handshakeTimeout;
        tasksOnLoop = builder.tasksOnLoop;
        taskExecutor = tasksOnLoop ? Runnable::run : builder.taskExecutor == null ? TaskThreads.SHARED : builder.taskExecutor;
        applicationProtocols = builder.applicationProtocols;
        Ciphers ciphers = Ciphers.of(origin.abilities(side), side, builder.protocols, builder.cipherSuites);
        protocols = ciphers.protocols();
        cipherSuites = ciphers.suites();
    }

    /** Which side a {@link Tls} is for. */
    enum Side {
        SERVER,
        CLIENT
    }

    /** How long a handshake may take, from the first byte to the last; 10 s unless set. */
    public final Duration handshakeTimeout() {
        return handshakeTimeout;
    }

    /**
     * Where the engine's long tasks run: signatures, and checks of certificates that may wait for a directory. Unless set, a
     * few daemon threads that all share, and that end when there is nothing to do.
     */
    public final Executor taskExecutor() {
        return taskExecutor;
    }

    /** Whether the engine's long tasks run on the event loop: then {@link #taskExecutor} runs them where it is called. */
    public final boolean tasksOnLoop() {
        return tasksOnLoop;
    }

    /** The application protocols in order of preference (ALPN); empty if none is negotiated, or a function or an engine decides. */
    public final List<String> applicationProtocols() {
        return applicationProtocols;
    }

    /**
     * The certificates of this side that new connections use, the default first; empty if an {@code SSLContext} or a source has
     * them.
     */
    public final List<CertificateInfo> certificates() {
        return origin.identities().stream().map(Identity::info).toList();
    }

    /**
     * Reads all files again. New handshakes use what has been read; connections go on with what they have. Sessions go on, too,
     * unless other authorities are trusted now, or the engine refuses a session whose certificate has changed, as that of JDK
     * 25 does.
     *
     * <p>Reads files on the calling thread, so not for event loops.
     *
     * @throws TlsConfigurationException if a file is of no use: then nothing has changed
     * @throws IllegalStateException if certificates and keys come from an {@code SSLContext} or with the engines
     */
    public final void reload() {
        origin.reload();
    }

    /**
     * Looks at the files again and again, and {@linkplain #reload reloads} when they have changed. What counts as a change is
     * another time, size or identity of the file that a path leads to, so a symbolic link that is turned to another folder is
     * one. Since certificate and key are often two files, a change is taken up only when nothing has changed again for an
     * interval. If what is there is of no use, it is reported once, and the last good certificates stay. What could not be read is tried
     * again at each look.
     *
     * @param interval how often to look; changes are taken up after one to two of it
     * @param reporter told of files that are of no use, on a thread of the watch
     * @throws IllegalStateException if there are no files
     */
    public final CertificateWatch watch(Duration interval, Reporter reporter) {
        return CertificateWatch.of(this, interval, reporter);
    }

    /** What is read by {@link #reload}. */
    final List<Path> files() {
        return origin.files();
    }

    /** The states of the files before they were read last. */
    final FileStates loaded() {
        return origin.loaded();
    }

    /** See {@link Engines#of}. One that cannot be set up is given back to its source at once. */
    final SSLEngine engine(@Nullable String dialed, int port) {
        String host = host(dialed);
        SSLEngine engine = origin.engine(host, this instanceof ServerTls ? -1 : port);
        try {
            setUp(engine, host);
            return engine;
        } catch (Throwable e) {
            try {
                Engines.release(this, engine);
            } catch (Throwable also) {
                e.addSuppressed(also);
            }
            throw e;
        }
    }

    /**
     * What an engine is made for: the name or address that a server has to prove that it is.
     *
     * @return null on servers, and if there is none
     * @throws IllegalStateException if there is none, and there has to be
     */
    abstract @Nullable String host(@Nullable String dialed);

    /** Settles the side of a new engine, and what is asked of it. */
    abstract void setUp(SSLEngine engine, @Nullable String host);

    /** Sets what servers and clients have in common. */
    final SSLParameters parameters(SSLEngine engine) {
        SSLParameters parameters = engine.getSSLParameters();
        if (protocols != null) {
            parameters.setProtocols(protocols);
        }
        if (cipherSuites != null) {
            parameters.setCipherSuites(cipherSuites);
        }
        if (!applicationProtocols.isEmpty()) {
            parameters.setApplicationProtocols(applicationProtocols.toArray(new String[0]));
        }
        return parameters;
    }

    /** Of engines that take no protocols here. */
    final void requireApplicationProtocols(SSLEngine engine) {
        if (!applicationProtocols.isEmpty() && engine.getSSLParameters().getApplicationProtocols().length == 0) {
            throw new IllegalStateException("an engine of " + engine.getClass().getName()
                    + " takes its application protocols (ALPN) only where it is made; set them there, and not here");
        }
    }

    /** What servers and clients have in common. Not safe for use by several threads. */
    public abstract static sealed class Builder<B extends Builder<B>> permits ServerTls.Builder, ClientTls.Builder {

        private static final int MOST_BYTES_OF_A_PROTOCOL = 255; // RFC 7301
        private static final Set<String> BROKEN = Set.of("SSLv2Hello", "SSLv3", "TLSv1", "TLSv1.1");

        final List<IdentitySource> identities = new ArrayList<>();
        final List<TrustSource> trust = new ArrayList<>();
        @Nullable X509TrustManager trustManager;
        @Nullable SSLContext context;
        @Nullable EngineSource engines;
        private @Nullable Provider provider;
        private @Nullable List<String> protocols;
        private @Nullable List<String> cipherSuites;
        private List<String> applicationProtocols = List.of();
        private boolean resumes = true;
        private int sessionSeconds;
        private int sessionCacheSize;
        private Duration handshakeTimeout = HANDSHAKE_TIMEOUT;
        private @Nullable Executor taskExecutor;
        private boolean tasksOnLoop;

        Builder() {}

        abstract B self();

        /**
         * A certificate with its chain, and its key, both in PEM; the same file may have both. Called again, one more: a server
         * chooses by the name that the client asks for, and the first is the default; a client chooses by the authorities that
         * the server names.
         *
         * @param chain the certificate and those between it and the authority, in any order. The authority itself can be left out.
         *     Certificates of other authorities, as that of a cross-signed one, are sent behind the chain.
         * @param key PKCS#8, or the older forms for RSA and elliptic curves; not encrypted
         */
        public final B certificate(Path chain, Path key) {
            identities.add(IdentitySource.ofPem(chain, key, null));
            return self();
        }

        /**
         * As {@link #certificate(Path, Path)}, with a key that is encrypted.
         *
         * @param password copied. The copy stays as long as the configuration, since {@link Tls#reload} needs it.
         */
        public final B certificate(Path chain, Path key, char[] password) {
            identities.add(IdentitySource.ofPem(chain, key, password.clone()));
            return self();
        }

        /**
         * As {@link #certificate(Path, Path)}, from memory. The key may be one that cannot be read, of a hardware module.
         *
         * @param chain the certificate first, and each that follows has signed the one before
         */
        public final B certificate(List<X509Certificate> chain, PrivateKey key) {
            identities.add(IdentitySource.of(List.of(Identity.of(chain, key, "a certificate of the program"))));
            return self();
        }

        /**
         * All keys of a key store's file, PKCS#12 or JKS, with their certificates.
         *
         * @param password of the file and of the keys; copied. The copy stays as long as the configuration, since
         *     {@link Tls#reload} needs it.
         */
        public final B keyStore(Path file, char[] password) {
            identities.add(IdentitySource.ofStore(file, null, password.clone()));
            return self();
        }

        /** As {@link #keyStore(Path, char[])}, with one of the keys. */
        public final B keyStore(Path file, String alias, char[] password) {
            identities.add(IdentitySource.ofStore(file, alias, password.clone()));
            return self();
        }

        /** All keys of a key store, with their certificates. They are taken out at once. */
        public final B keyStore(KeyStore store, char[] keyPassword) {
            identities.add(IdentitySource.of(StoreFile.identities(store, "a key store of the program", null, keyPassword)));
            return self();
        }

        /** As {@link #keyStore(KeyStore, char[])}, with one of the keys. */
        public final B keyStore(KeyStore store, String alias, char[] keyPassword) {
            identities.add(IdentitySource.of(StoreFile.identities(store, "a key store of the program", alias, keyPassword)));
            return self();
        }

        /**
         * Whom to trust: those who have signed peers' certificates, or single certificates. Called again, in addition. What is
         * given by any of these functions takes the place of the JDK's authorities.
         *
         * @param pem a file with any number of certificates
         */
        public final B trust(Path pem) {
            trust.add(TrustSource.ofPem(pem));
            return self();
        }

        /** As {@link #trust(Path)}, from memory. */
        public final B trust(List<X509Certificate> authorities) {
            if (authorities.isEmpty()) {
                throw new IllegalArgumentException("no certificate to trust");
            }
            List<X509Certificate> copy = List.copyOf(authorities);
            trust.add(() -> copy);
            return self();
        }

        /** In addition to others, whom the JDK trusts. */
        public final B trustSystem() {
            trust.add(TrustSource.SYSTEM);
            return self();
        }

        /** As {@link #trust(Path)}, the certificates of a key store that stand alone. They are taken out at once. */
        public final B trustStore(KeyStore store) {
            return trust(StoreFile.certificates(store, "a key store of the program"));
        }

        /**
         * As {@link #trust(Path)}, the certificates of a key store's file that stand alone.
         *
         * @param password copied, as by {@link #keyStore(Path, char[])}; null for none, which does for JKS only
         */
        public final B trustStore(Path file, char @Nullable [] password) {
            trust.add(TrustSource.ofStore(file, password == null ? null : password.clone()));
            return self();
        }

        /**
         * Who decides whom to trust. It is called where {@link Tls#taskExecutor} runs tasks, so it may wait. For a client with
         * another provider than the JDK's it has to be an {@link javax.net.ssl.X509ExtendedTrustManager}, which checks names
         * itself.
         */
        public final B trustManager(X509TrustManager manager) {
            trustManager = Objects.requireNonNull(manager);
            return self();
        }

        /** Takes keys, trust and engines from a context, of the JDK, Conscrypt, or any other. It has to be initialized. */
        public final B context(SSLContext context) {
            this.context = Objects.requireNonNull(context);
            return self();
        }

        /**
         * Takes engines that are not made by an {@code SSLContext}. Versions, cipher suites and so on are left as they are,
         * unless they are set here.
         */
        public final B engines(EngineSource source) {
            engines = Objects.requireNonNull(source);
            return self();
        }

        /** Makes engines of another provider than the first that is installed, such as Conscrypt's, for certificates given here. */
        public final B provider(Provider provider) {
            this.provider = Objects.requireNonNull(provider);
            return self();
        }

        /**
         * The versions of the protocol: TLSv1.3 and TLSv1.2 unless set. The newest that both sides have is used.
         *
         * @throws IllegalArgumentException if one is older than TLSv1.2, or none
         */
        public final B protocols(String... names) {
            for (String name : names) {
                if (BROKEN.contains(name)) {
                    throw new IllegalArgumentException(name + " is broken and forbidden (RFC 8996, RFC 7568); the oldest version is"
                            + " TLSv1.2. A peer that has nothing newer needs a context of its own, given by context(...)");
                } else if (!PROTOCOLS.contains(name)) {
                    throw new IllegalArgumentException("no version of TLS: " + name + "; there are " + PROTOCOLS);
                }
            }
            protocols = distinct("protocols", names);
            return self();
        }

        /**
         * The cipher suites in order of preference, by their names in the registry of IANA. Servers have by default all that the
         * engine has with forward secrecy and authenticated encryption; clients what the engine enables by itself.
         */
        public final B cipherSuites(String... names) {
            cipherSuites = distinct("cipher suites", names);
            return self();
        }

        /**
         * The application protocols in order of preference (ALPN, RFC 7301), such as {@code h2} and {@code http/1.1}. A server takes
         * the first of its own that the client offers. If there is none, the handshake fails, unless the client offers nothing; engines
         * of Conscrypt and of Netty go on without one.
         */
        public final B applicationProtocols(String... names) {
            for (String name : names) {
                if (name.isEmpty() || name.length() > MOST_BYTES_OF_A_PROTOCOL) {
                    throw new IllegalArgumentException(
                            "an application protocol has 1 to " + MOST_BYTES_OF_A_PROTOCOL + " bytes: '" + name + "'");
                }
            }
            applicationProtocols = distinct("application protocols", names);
            return self();
        }

        private static List<String> distinct(String what, String[] names) {
            if (names.length == 0) {
                throw new IllegalArgumentException("no " + what);
            }
            if (new HashSet<>(List.of(names)).size() != names.length) {
                throw new IllegalArgumentException("twice the same of the " + what + ": " + String.join(", ", names));
            }
            return List.of(names);
        }

        /**
         * Whether a peer that comes back may resume its session, which saves both sides the signatures; it may, unless set. A
         * handshake without resumption costs more here than elsewhere, as each has a context of its own.
         */
        public final B sessionResumption(boolean resumed) {
            resumes = resumed;
            return self();
        }

        /** How long a session can be resumed, in whole seconds; what the engine has by itself unless set: a day, with the JDK. */
        public final B sessionTimeout(Duration timeout) {
            if (timeout.toSeconds() < 1 || timeout.toSeconds() > Integer.MAX_VALUE) {
                throw new IllegalArgumentException("a session timeout is from 1 s to 68 years: " + timeout);
            }
            sessionSeconds = (int) timeout.toSeconds();
            return self();
        }

        /**
         * How many sessions are kept, besides those that clients keep in their tickets; what the engine has by itself unless
         * set.
         */
        public final B sessionCacheSize(int sessions) {
            if (sessions < 1) {
                throw new IllegalArgumentException("a session cache keeps at least 1: " + sessions
                        + "; sessionResumption(false) turns resumption off");
            }
            sessionCacheSize = sessions;
            return self();
        }

        /** See {@link Tls#handshakeTimeout}. */
        public final B handshakeTimeout(Duration timeout) {
            if (timeout.isZero() || timeout.isNegative()) {
                throw new IllegalArgumentException("a handshake timeout is more than 0: " + timeout);
            }
            handshakeTimeout = timeout;
            return self();
        }

        /** See {@link Tls#taskExecutor}. A task that the executor refuses runs on the event loop, which is reported. */
        public final B taskExecutor(Executor executor) {
            taskExecutor = Objects.requireNonNull(executor);
            tasksOnLoop = false;
            return self();
        }

        /**
         * Runs the engine's long tasks on the event loop. That saves two changes of thread a handshake, and holds up all
         * connections of the loop for a signature, from 0.1 ms to some ms, and for whatever a trust manager waits for.
         */
        public final B tasksOnLoop() {
            tasksOnLoop = true;
            return self();
        }

        private Origin origin(List<TrustSource> trusted, boolean trustsAnyone) {
            if (context == null && engines == null) {
                if (trustManager != null && !trusted.isEmpty()) {
                    throw new IllegalStateException("a trust manager decides alone; give either one, or certificates to trust");
                }
                return new OwnContext(new OwnContext.Parts(List.copyOf(identities), List.copyOf(trusted), trustManager, trustsAnyone,
                        provider, resumes, sessionSeconds, sessionCacheSize));
            }
            String elsewhere = context == null ? "engines(...)" : "context(...)";
            if (context != null && engines != null) {
                throw new IllegalStateException("either context(...) or engines(...)");
            }
            if (!identities.isEmpty() || !trusted.isEmpty() || trustManager != null || trustsAnyone || provider != null) {
                throw new IllegalStateException(elsewhere + " has certificates, keys and trust of its own; none can be added here");
            }
            if (!resumes || context == null && (sessionSeconds != 0 || sessionCacheSize != 0)) {
                throw new IllegalStateException(elsewhere + " has sessions of its own; bound them or turn them off there");
            }
            if (context == null) {
                assert engines != null;
                return Origin.of(engines);
            }
            OwnContext.boundSessions(context, sessionSeconds, sessionCacheSize);
            return Origin.of(context);
        }
    }
}
