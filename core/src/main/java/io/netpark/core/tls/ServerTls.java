package io.netpark.core.tls;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import javax.net.ssl.SNIMatcher;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.StandardConstants;
import org.jspecify.annotations.Nullable;

/**
 * How the connections that a server accepts are encrypted.
 *
 * <pre>{@code
 * ServerTls tls = ServerTls.of(Path.of("/etc/app/tls.crt"), Path.of("/etc/app/tls.key"));
 * }</pre>
 */
public final class ServerTls extends Tls {

    private final ClientAuth clientAuth;
    private final boolean refusesUnknownNames;
    private final @Nullable BiFunction<SSLEngine, List<String>, @Nullable String> selector;

    private ServerTls(Builder builder) {
        super(builder, builder.trust, false, Side.SERVER);
        clientAuth = builder.clientAuth;
        refusesUnknownNames = builder.refusesUnknownNames;
        selector = builder.selector;
    }

    /**
     * A server's with one certificate, and the defaults.
     *
     * @param chain the certificate with its chain, in PEM
     * @param key its key, in PEM and not encrypted
     * @throws TlsConfigurationException if a file is of no use
     */
    public static ServerTls of(Path chain, Path key) {
        return builder().certificate(chain, key).build();
    }

    /** A server's, to be set up. */
    public static Builder builder() {
        return new Builder();
    }

    /** Whether clients are asked for certificates. */
    public ClientAuth clientAuth() {
        return clientAuth;
    }

    @Override
    @Nullable String host(@Nullable String dialed) {
        return null;
    }

    @Override
    void setUp(SSLEngine engine, @Nullable String host) {
        engine.setUseClientMode(false);
        SSLParameters parameters = parameters(engine);
        parameters.setUseCipherSuitesOrder(true);
        switch (clientAuth) {
            case NEEDED -> parameters.setNeedClientAuth(true);
            case WANTED -> parameters.setWantClientAuth(true);
            case NONE -> {} // a context or a source may ask for certificates by itself
        }
        if (Engines.isOfJdk(engine)) {
            // The matcher does more than to refuse names: a JDK server that has none lets a session be resumed under another name.
            Negotiation negotiation = new Negotiation(this, origin instanceof OwnContext);
            parameters.setSNIMatchers(List.of(negotiation));
            engine.setSSLParameters(parameters);
            engine.setHandshakeApplicationProtocolSelector(negotiation);
            return;
        }
        if (refusesUnknownNames) {
            parameters.setSNIMatchers(List.of(new KnownNames()));
        }
        engine.setSSLParameters(parameters);
        if (selector != null) {
            try {
                engine.setHandshakeApplicationProtocolSelector(selector);
            } catch (UnsupportedOperationException e) {
                throw new IllegalStateException("an engine of " + engine.getClass().getName()
                        + " takes no applicationProtocolSelector(...); choose the application protocol (ALPN) where it is made", e);
            }
        } else {
            requireApplicationProtocols(engine);
        }
    }

    /** Whether a client that asks for the name is served. */
    boolean accepts(String name) {
        return !refusesUnknownNames || origin.knows(name);
    }

    /**
     * The application protocol for a client.
     *
     * @param offered by the client, in its order of preference
     * @return null if there is none in common; empty if none is negotiated
     */
    @Nullable String select(SSLEngine engine, List<String> offered) {
        if (selector != null) {
            return selector.apply(engine, offered);
        }
        if (applicationProtocols().isEmpty()) {
            return "";
        }
        for (String own : applicationProtocols()) {
            if (offered.contains(own)) {
                return own;
            }
        }
        return null;
    }

    private final class KnownNames extends SNIMatcher {

        KnownNames() {
            super(StandardConstants.SNI_HOST_NAME);
        }

        @Override
        public boolean matches(SNIServerName asked) {
            return accepts(Negotiation.text(asked));
        }
    }

    /** Makes a {@link ServerTls}. Not safe for use by several threads. */
    public static final class Builder extends Tls.Builder<Builder> {

        private ClientAuth clientAuth = ClientAuth.NONE;
        private boolean refusesUnknownNames;
        private @Nullable BiFunction<SSLEngine, List<String>, @Nullable String> selector;

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /** Whether clients are asked for certificates; they are not, unless set. See {@link #clientAuthorities}. */
        public Builder clientAuth(ClientAuth auth) {
            clientAuth = Objects.requireNonNull(auth);
            return this;
        }

        /** Whose certificates clients may have: {@link #trust(Path)} by another name. */
        public Builder clientAuthorities(Path pem) {
            return trust(pem);
        }

        /**
         * Chooses the application protocol from those that the client offers, in place of {@link #applicationProtocols}. The
         * function returns one of them, an empty string to negotiate none, or null to fail the handshake. It is called during
         * handshakes by any thread, and not for clients that offer nothing.
         */
        public Builder applicationProtocolSelector(BiFunction<SSLEngine, List<String>, @Nullable String> selector) {
            this.selector = Objects.requireNonNull(selector);
            return this;
        }

        /**
         * Whether a client that asks for a name without a certificate is refused; it gets the default certificate, unless set.
         * Clients that ask for no name get the default certificate in any case.
         */
        public Builder refuseUnknownNames(boolean refused) {
            refusesUnknownNames = refused;
            return this;
        }

        /**
         * Reads what there is to read.
         *
         * @throws TlsConfigurationException if a file is of no use
         * @throws IllegalStateException if something is missing, or two settings do not go together
         */
        public ServerTls build() {
            boolean own = context == null && engines == null;
            if (own && identities.isEmpty()) {
                throw new IllegalStateException("a server needs a certificate: certificate(...), keyStore(...) or context(...)");
            }
            boolean trusts = !trust.isEmpty() || trustManager != null;
            if (own && clientAuth != ClientAuth.NONE && !trusts) {
                throw new IllegalStateException(
                        "clients are asked for certificates, and nobody is trusted who signs them: clientAuthorities(...)");
            }
            if (own && clientAuth == ClientAuth.NONE && trusts) {
                throw new IllegalStateException(
                        "clients' authorities are given, and clients are not asked for certificates: clientAuth(...)");
            }
            if (!own && refusesUnknownNames) {
                throw new IllegalStateException("which names there are is known only if the certificates are given here");
            }
            return new ServerTls(this);
        }
    }
}
