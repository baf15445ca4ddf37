// kafkajs's scenarios, one for each run: node kafkajs.mjs SCENARIO.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import kafkajs from 'kafkajs'

const { Kafka, CompressionTypes, ConfigResourceTypes, AclResourceTypes, AclOperationTypes, AclPermissionTypes, ResourcePatternTypes } =
  kafkajs
const env = process.env
const texts = (prefix, n) => Array.from({ length: n }, (_, i) => `${prefix}${i}`)

function client () {
  const config = {
    clientId: 'kafkajs', brokers: env.BOOTSTRAP.split(','), logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 15 }
  }
  if (env.MECHANISM) {
    config.sasl = { mechanism: env.MECHANISM.toLowerCase(), username: env.USERNAME, password: env.PASSWORD }
  }
  if (env.PROTOCOL.includes('SSL')) {
    config.ssl = { ca: [readFileSync(env.CA)], cert: readFileSync(env.CERT), key: readFileSync(env.KEY) }
  }
  return new Kafka(config)
}

async function send (topic, values, options = {}, producing = {}) {
  const producer = client().producer({ allowAutoTopicCreation: true, ...producing })
  await producer.connect()
  await producer.send({ topic, messages: values.map(v => ({ key: v, value: v, headers: { h: '1' } })), ...options })
  await producer.disconnect()
}

// member consumes in a group until it is told to leave.
async function member (groupId, topic, seen, options = {}) {
  const consumer = client().consumer({ groupId, heartbeatInterval: 100, sessionTimeout: 6000, maxWaitTimeInMs: 100, ...options })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const joined = new Promise(resolve => consumer.on(consumer.events.GROUP_JOIN, e => resolve(e.payload)))
  await consumer.run({ eachMessage: async ({ message }) => { seen.add(message.value.toString()) } })
  return { consumer, joined, leave: () => consumer.disconnect() }
}

// A tally resolves when n distinct values have come.
class Tally {
  constructor () { this.values = new Set(); this.waiting = [] }
  add (v) {
    this.values.add(v)
    this.waiting = this.waiting.filter(w => this.values.size < w.n || w.resolve())
  }
  reach (n) {
    return this.values.size >= n ? undefined : new Promise(resolve => this.waiting.push({ n, resolve }))
  }
}

async function administer (f) {
  const admin = client().admin()
  await admin.connect()
  await f(admin)
  await admin.disconnect()
}

const make = (topic, numPartitions) => administer(admin => admin.createTopics({
  topics: [{ topic, numPartitions, replicationFactor: 3 }], waitForLeaders: true
}))

const scenarios = {
  async produce () {
    const topic = `produced-${env.PROTOCOL}${env.MECHANISM}${process.pid}`
    const values = texts('v', 100)
    await send(topic, values)
    const seen = new Tally()
    const one = await member(`g-${topic}`, topic, seen)
    await seen.reach(100)
    assert.deepEqual([...seen.values].sort(), values.sort())
    await one.leave()
  },

  async codecs () {
    for (const acks of [0, 1, -1]) {
      for (const [name, compression] of [['none', CompressionTypes.None], ['gzip', CompressionTypes.GZIP]]) {
        const topic = `t-${name}${acks}`
        await make(topic, 1)
        await send(topic, texts(name, 200), { acks, compression })
        const seen = new Tally()
        const one = await member(`g-${topic}`, topic, seen)
        await seen.reach(200)
        await one.leave()
      }
    }
    await send('idempotent', texts('v', 100), { acks: -1 }, { idempotent: true, maxInFlightRequests: 1 })
  },

  async group () {
    await make('t', 4)
    const seen = new Tally()
    const first = await member('g', 't', seen)
    const alone = await first.joined
    assert.equal(alone.memberAssignment.t.length, 4)
    await send('t', texts('a', 50))
    await seen.reach(50)
    const second = await member('g', 't', seen)
    const together = await second.joined
    assert.equal(together.memberAssignment.t.length, 2)
    await send('t', texts('b', 50))
    await seen.reach(100)
    await second.leave()
    await send('t', texts('c', 50))
    await seen.reach(150)
    await first.leave()
  },

  async offsets () {
    await make('t', 1)
    await send('t', texts('v', 10))
    await administer(async admin => {
      assert.deepEqual(await admin.fetchOffsets({ groupId: 'g', topics: ['t'] }),
        [{ topic: 't', partitions: [{ partition: 0, offset: '-1', metadata: null }] }])
      await admin.setOffsets({ groupId: 'g', topic: 't', partitions: [{ partition: 0, offset: '4' }] })
      const [{ offset, high, low }] = await admin.fetchTopicOffsets('t')
      assert.deepEqual({ offset, high, low }, { offset: '10', high: '10', low: '0' })
      const [at] = await admin.fetchTopicOffsetsByTimestamp('t', 1)
      assert.equal(at.offset, '0')
      await admin.resetOffsets({ groupId: 'h', topic: 't', earliest: true })
      await admin.deleteTopicRecords({ topic: 't', partitions: [{ partition: 0, offset: '2' }] })
      assert.equal((await admin.fetchTopicOffsets('t'))[0].low, '2')
    })
    const seen = new Tally()
    const one = await member('g', 't', seen)
    await seen.reach(6)
    assert.deepEqual([...seen.values], texts('v', 10).slice(4))
    await one.leave()
  },

  async transactions () {
    await make('in', 1)
    await make('t', 2)
    const producer = client().producer({ transactionalId: 'tx', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    for (const [round, commit] of [[0, true], [1, false], [2, true]]) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 't', messages: texts(`${round}-`, 10).map(value => ({ value })) })
      await transaction.sendOffsets({
        consumerGroupId: 'copiers', topics: [{ topic: 'in', partitions: [{ partition: 0, offset: String(10 * (round + 1)) }] }]
      })
      await (commit ? transaction.commit() : transaction.abort())
    }
    await producer.disconnect()
    const seen = new Tally()
    const one = await member('g', 't', seen)
    await seen.reach(20)
    assert.deepEqual([...seen.values].sort(), [...texts('0-', 10), ...texts('2-', 10)].sort())
    await one.leave()
    await administer(async admin => {
      const [{ partitions: [{ offset }] }] = await admin.fetchOffsets({ groupId: 'copiers', topics: ['in'] })
      assert.equal(offset, '30')
    })
  },

  async admin () {
    await make('t', 2)
    await send('t', texts('v', 10))
    await administer(async admin => {
      assert.equal(await admin.createTopics({ topics: [{ topic: 't' }] }), false)
      await admin.createPartitions({ topicPartitions: [{ topic: 't', count: 5 }] })
      const { topics: [{ partitions }] } = await admin.fetchTopicMetadata({ topics: ['t'] })
      assert.equal(partitions.length, 5)
      assert.equal((await admin.describeCluster()).brokers.length, 3)
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: 't', configEntries: [{ name: 'retention.ms', value: '12345' }] }]
      })
      const { resources: [{ configEntries }] } = await admin.describeConfigs({
        includeSynonyms: true, resources: [{ type: ConfigResourceTypes.TOPIC, name: 't' }]
      })
      assert.equal(configEntries.find(e => e.configName === 'retention.ms').configValue, '12345')
      const one = await member('g', 't', new Tally())
      await one.joined
      assert.deepEqual((await admin.listGroups()).groups, [{ groupId: 'g', protocolType: 'consumer' }])
      const { groups: [described] } = await admin.describeGroups(['g'])
      assert.equal(described.state, 'Stable')
      await one.leave()
      await admin.deleteGroups(['g'])
      await admin.deleteTopics({ topics: ['t'] })
      assert.deepEqual((await admin.listTopics()).filter(name => !name.startsWith('__')), [])
    })
  },

  async acls () {
    await administer(async admin => {
      const acl = {
        resourceType: AclResourceTypes.TOPIC, resourceName: 't', resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: 'User:bob', host: '*', operation: AclOperationTypes.READ, permissionType: AclPermissionTypes.ALLOW
      }
      await admin.createAcls({ acl: [acl] })
      const { resources } = await admin.describeAcls(acl)
      assert.equal(resources.length, 1)
      const { filterResponses } = await admin.deleteAcls({ filters: [acl] })
      assert.equal(filterResponses[0].matchingAcls.length, 1)
    })
  }
}

await scenarios[process.argv[2]]()
