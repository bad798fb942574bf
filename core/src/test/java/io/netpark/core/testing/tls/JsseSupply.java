package io.netpark.core.testing.tls;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.Provider;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** Engines of a provider of JSSE: the JDK's, or Conscrypt. */
final class JsseSupply implements EngineSupply {

    private final Material material;
    private final boolean client;
    private final SSLContext context;

    JsseSupply(@Nullable Provider provider, Material material, boolean client) {
        this.material = material;
        this.client = client;
        try {
            context = provider != null ? SSLContext.getInstance("TLS", provider) : SSLContext.getInstance("TLS");
            context.init(keys(material.identity()), trust(material.trusted()), null);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static KeyManager[] keys(@Nullable Identity identity) throws GeneralSecurityException {
        if (identity == null) {
            return new KeyManager[0];
        }
        var factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(identity.keyStore("identity", "password"), "password".toCharArray());
        return factory.getKeyManagers();
    }

    private static TrustManager[] trust(List<X509Certificate> authorities) throws GeneralSecurityException {
        if (authorities.isEmpty()) {
            return new TrustManager[0];
        }
        var factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(Authority.trustStore(authorities));
        return new TrustManager[] {new GenericKeysTrust((X509ExtendedTrustManager) factory.getTrustManagers()[0])};
    }

    @Override
    public SSLEngine engine(@Nullable String host, int port) {
        var engine = host != null ? context.createSSLEngine(host, port) : context.createSSLEngine();
        engine.setUseClientMode(client);
        engine.setEnabledProtocols(EngineFlavour.PROTOCOLS.toArray(String[]::new));
        var parameters = engine.getSSLParameters();
        parameters.setNeedClientAuth(!client && material.mutual());
        parameters.setApplicationProtocols(material.applicationProtocols().toArray(String[]::new));
        if (client && host != null) {
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
        }
        engine.setSSLParameters(parameters);
        return engine;
    }

    /** Closed both ways, its last words written: until then one of Conscrypt keeps a pipe, whose two descriptors only a collection frees. */
    @Override
    public void release(SSLEngine engine) {
        engine.closeOutbound();
        try {
            var lastWords = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
            while (!engine.isOutboundDone() && engine.wrap(ByteBuffer.allocate(0), lastWords.clear()).bytesProduced() > 0) {}
            engine.closeInbound();
        } catch (SSLException e) {
            // The other side has not said that it ends.
        }
    }

    @Override
    public SSLContext context() {
        return context;
    }

    @Override
    public void close() {}
}
